import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { encodeFrame } from '../../src/packet/frame.ts';
import { packetOf } from '../../src/datapaths/iptables/netfilter/replay.ts';
import { LineProcess } from '../line-process.ts';
import { shell } from '../shell.ts';
import type { Backend, CasePacket, Counters, Out, Topology } from './case.ts';
import { farMac, frameOf, headersOf, routerMac } from './wire.ts';

const GROUP = 7;
/** The last hook of both ways out: tells what comes, and ends it there, so that nobody answers. It must stand before the rules do. */
const SPY = `table ip spy {
 chain inp { type filter hook input priority 2147483647; log prefix "in" group ${GROUP}; drop; }
 chain post { type filter hook postrouting priority 2147483647; log prefix "post" group ${GROUP}; oifname "lo" accept; drop; }
}
`;
const macText = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** Compiles the helper. Throws `LabError`. */
export function buildRouter(folder: string): string {
  const helper = join(folder, 'router');
  shell('cc', ['-O1', '-o', helper, join(import.meta.dirname, 'router.c')]);
  return helper;
}

export interface RouterPlan {
  readonly topology: Topology;
  readonly backend: Backend;
  /** Texts for iptables-restore, one after the other; all but the first with `--noflush`. */
  readonly rules: readonly string[];
  readonly sets?: string | undefined;
  /** Longer where a machine is busy. */
  readonly settleMicroseconds?: number;
}

/** The kernel as the router of a case: in a network namespace that ends with the helper's process. */
export class KernelRouter {
  readonly #process: LineProcess;
  readonly #plan: RouterPlan;
  readonly #sides: readonly string[];
  /** By side. */
  readonly #broadcasts: readonly ReadonlySet<string>[];

  private constructor(helper: string, plan: RouterPlan) {
    this.#plan = plan;
    // Networks of a recorded topology are /24.
    this.#broadcasts = plan.topology.interfaces.flatMap(({ side, addresses }) => (side === undefined ? [] : [new Set(['255.255.255.255', ...addresses.map((text) => text.replace(/\d+\/24$/, '255'))])]));
    this.#process = new LineProcess(helper);
    this.#sides = plan.topology.interfaces.flatMap(({ side }) => (side === undefined ? [] : [side]));
  }

  /** Throws `LabError`, where the kernel refuses the rules too. */
  static async start(helper: string, plan: RouterPlan): Promise<KernelRouter> {
    const router = new KernelRouter(helper, plan);
    try {
      await router.#process.line();
      await router.#setUp();
      return router;
    } catch (error) {
      router.close();
      throw error;
    }
  }

  async #setUp(): Promise<void> {
    const { topology, backend, rules, sets, settleMicroseconds } = this.#plan;
    const links: string[] = [];
    const ups = ['link set lo up'];
    for (const { name, side, addresses } of topology.interfaces) {
      if (side !== undefined) {
        const number = this.#sides.indexOf(side);
        links.push(`link add ${name} address ${macText(routerMac(number))} type veth peer name x${side} address ${macText(farMac(number))}`, `link set ${name} arp off`, `link set x${side} arp off`);
        ups.push(`link set ${name} up`, `link set x${side} up`);
      }
      for (const address of addresses) if (address !== '127.0.0.1/8') links.push(`addr add ${address} dev ${name}`);
    }
    const routes = topology.routes.filter(({ connected }) => !connected).map(({ dst, via, dev }) => `route add ${dst}${via === undefined ? '' : ` via ${via}`} dev ${dev}`);
    this.#inside('ip', ['-batch', '-'], [...links, ...ups, ...routes, ''].join('\n'));
    this.#inside('nft', ['-f', '-'], SPY);
    if (sets !== undefined) this.#inside('ipset', ['restore', '-exist'], sets);
    rules.forEach((text, index) => this.#inside(`iptables-${backend}-restore`, ['-w', ...(index === 0 ? [] : ['--noflush'])], text));
    for (const [number, side] of this.#sides.entries()) await this.#process.ask(`far ${number} x${side}`);
    await this.#process.ask(`spy ${GROUP}`);
    if (settleMicroseconds !== undefined) await this.#process.ask(`settle ${settleMicroseconds}`);
  }

  /** Sends a packet; returns those that came through: none where it was dropped. */
  async send(packet: CasePacket): Promise<Out[]> {
    const side = this.#sides.indexOf(packet.from);
    const lines = await this.#process.ask(side < 0 ? `raw ${hex(encodeFrame(packetOf(packet), { source: farMac(0), destination: farMac(0) }).subarray(14))}` : `frame ${side} ${hex(frameOf(packet, side, this.#broadcasts[side] ?? new Set()))}`);
    return lines.flatMap((line): Out[] => {
      const [word, mark, device = '-', prefix, bytes = ''] = line.split(' ');
      // Refused: an error of the system call, which is how a drop on the way out shows.
      if (word !== 'out') return [];
      const where = prefix === 'in' ? 'in' : device;
      return where === 'lo' ? [] : [{ where, mark: Number(mark), ...headersOf(new Uint8Array(Buffer.from(bytes, 'hex'))) }];
    });
  }

  counters(): Counters {
    const tables: Record<string, Record<string, { policy?: number[]; rules: number[][] }>> = {};
    let chains: (typeof tables)[string] = {};
    for (const line of this.#inside(`iptables-${this.#plan.backend}-save`, ['-c']).split('\n')) {
      const numbers = /\[(\d+):(\d+)\]/.exec(line);
      const count = numbers ? [Number(numbers[1]), Number(numbers[2])] : [];
      const [, chain = '', policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
      const [, of = ''] = /^\[\d+:\d+\] -A (\S+)/.exec(line) ?? [];
      if (line.startsWith('*')) chains = tables[line.slice(1)] = {};
      else if (policy !== undefined) chains[chain] = policy === '-' ? { rules: [] } : { policy: count, rules: [] };
      else if (of !== '') chains[of]?.rules.push(count);
    }
    return tables;
  }

  /** Ends the process, and the namespace with it. */
  close(): void {
    this.#process.close();
  }

  #inside(command: string, args: readonly string[], input = ''): string {
    return shell('nsenter', [`--net=/proc/${this.#process.pid}/ns/net`, command, ...args], { input });
  }
}

/** Whether the kernel has what every case needs: null, or a sentence. */
export function routerLacks(helper: string): string | null {
  const { status, stderr } = spawnSync(helper, { input: '', encoding: 'utf8' });
  return status === 0 ? null : stderr.trim();
}
