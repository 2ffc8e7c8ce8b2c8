import { join } from 'node:path';
import { LineProcess } from '../line-process.ts';
import { shell } from '../shell.ts';
import { readMaps, type Maps } from './kernel-run.ts';

/** A device of the node, with the far end of its veth pair in the other namespace. */
export interface HookDevice {
  readonly name: string;
  readonly ifindex: number;
  readonly mac: Uint8Array;
  readonly far: string;
  readonly farMac: Uint8Array;
}

/** A frame that came out of the node, and by which device's far end. */
export interface Seen {
  readonly far: string;
  readonly frame: string;
}

const macText = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');

export function hookDevice(name: string, far: string, number: number): HookDevice {
  return { name, ifindex: 100 + number, mac: Uint8Array.of(2, 0, 0, 1, 0, number), far, farMac: Uint8Array.of(2, 0, 0, 2, 0, number) };
}

/** Compiles the helper. Throws `LabError`. */
export function buildHooks(folder: string): string {
  const helper = join(folder, 'bpf-hooks');
  shell('cc', ['-O1', '-o', helper, ...['hooks.c', 'sockets.c', 'object.c'].map((name) => join(import.meta.dirname, name)), '-lbpf']);
  return helper;
}

/** A node in a network namespace, with an object's programs on its hooks; both end with the helper's process. */
export class HookNode {
  readonly #process: LineProcess;
  #far = 0;

  private constructor(helper: string, object: string) {
    this.#process = new LineProcess(helper, [object]);
  }

  /** `use`: the programs to load; `lines`: what fills the maps. Throws `LabError`. */
  static async start(helper: string, object: string, use: readonly string[], lines: readonly string[]): Promise<HookNode> {
    const node = new HookNode(helper, object);
    try {
      const [, , far] = (await node.#process.line()).split(' ');
      node.#far = Number(far);
      await node.#process.askAll([...use, 'load', ...lines]);
      return node;
    } catch (error) {
      node.close();
      throw error;
    }
  }

  /** `ip` in the node's namespace. */
  ip(lines: readonly string[]): void {
    shell('nsenter', [`--net=/proc/${this.#process.pid}/ns/net`, 'ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
  }

  /** Makes the veth pairs, without ARP: whom a frame is for, its sender knows. */
  async addDevices(devices: readonly HookDevice[]): Promise<void> {
    this.ip(devices.flatMap(({ name, ifindex, mac, far, farMac }) => [
      `link add ${name} index ${ifindex} address ${macText(mac)} type veth peer name ${far} address ${macText(farMac)} netns ${this.#far}`,
      `link set ${name} arp off`,
    ]));
    shell('nsenter', [`--net=/proc/${this.#far}/ns/net`, 'ip', '-batch', '-'], { input: devices.map(({ far }) => `link set ${far} arp off up\n`).join('') });
    this.ip(['link set lo up', ...devices.map(({ name }) => `link set ${name} up`)]);
    await this.#process.askAll(devices.map(({ far }) => `far ${far}`));
  }

  async attachTc(device: string, where: 'ingress' | 'egress', program: string): Promise<void> {
    await this.#process.ask(`tc ${device} ${where} ${program}`);
  }

  async attachXdp(device: string, program: string): Promise<void> {
    await this.#process.ask(`xdp ${device} ${program}`);
  }

  /** Sends a frame from a far end; returns what comes out, wherever. `expected`: how many frames it waits for, but not for long. */
  async send(far: string, frame: Uint8Array, expected: number): Promise<Seen[]> {
    return (await this.#process.ask(`send ${far} ${Buffer.from(frame).toString('hex')} ${expected}`)).map((line) => {
      const [word, device = '', bytes = ''] = line.split(' ');
      return { far: word === 'seen' ? device : `${line}`, frame: bytes };
    });
  }

  /** A line of sockets.h's. */
  ask(line: string): Promise<string[]> {
    return this.#process.ask(line);
  }

  async maps(): Promise<Maps> {
    return readMaps(await this.#process.ask('dump'));
  }

  close(): void {
    this.#process.close();
  }
}
