import type { Collection, RunOutput } from '../../src/datapaths/ebpf/vm.ts';
import type { Ipv4 } from '../../src/packet/address.ts';
import { internetChecksum } from '../../src/packet/checksum.ts';
import type { HookDevice, Seen } from './hook-node.ts';

const TC_SHOT = 2;
const TC_REDIRECT = 7;
const XDP = { pass: 2, transmit: 3, redirect: 4 } as const;
const IP = 14;

export interface VmNodePlan {
  readonly collection: Collection;
  readonly pods: readonly HookDevice[];
  /** Where the world is; XDP is attached to it. */
  readonly uplink: HookDevice;
  /** Where XDP may send frames directly, and where the stack's default route goes. */
  readonly others: readonly HookDevice[];
  readonly defaultRoute: HookDevice;
  /** The stack's routes to pods. */
  readonly routes: ReadonlyMap<Ipv4, number>;
  /** How often each of the hooks' verdicts came about. */
  readonly count: (verdict: string) => void;
}

/** The same node as `HookNode`, with the programs in the VM; between them a stack that only forwards. */
export class VmNode {
  readonly #plan: VmNodePlan;

  constructor(plan: VmNodePlan) {
    this.#plan = plan;
  }

  /** What comes out of the node when a frame is sent to one of its devices. */
  send(device: HookDevice, frame: Uint8Array): Seen[] {
    return device === this.#plan.uplink ? this.#xdp(frame) : this.#fromContainer(device, frame);
  }

  #xdp(frame: Uint8Array): Seen[] {
    const { uplink } = this.#plan;
    const out = this.#run('cil_xdp_entry', frame, uplink.ifindex);
    this.#plan.count(`XDP ${['aborted', 'drop', 'pass', 'tx', 'redirect'][out.returnValue] ?? out.returnValue}`);
    if (out.returnValue === XDP.pass) return this.#stack(uplink, out.data, 0);
    if (out.returnValue === XDP.transmit) return [seen(uplink, out.data)];
    const to = out.returnValue === XDP.redirect ? this.#device(out) : undefined;
    return to ? [seen(to, out.data)] : [];
  }

  #fromContainer(device: HookDevice, frame: Uint8Array): Seen[] {
    const out = this.#run('cil_from_container', frame, device.ifindex);
    const { returnValue, redirect } = out;
    this.#plan.count(`tc ingress ${returnValue === TC_REDIRECT ? (redirect?.by ?? 'redirect') : returnValue === TC_SHOT ? 'shot' : 'ok'}`);
    if (returnValue === TC_SHOT) return [];
    if (returnValue !== TC_REDIRECT) return this.#stack(device, out.data, out.mark);
    const to = this.#device(out);
    if (!to) return [];
    // To the peer: past the device's own way out.
    return redirect?.by === 'redirect_peer' ? [seen(to, out.data)] : this.#toContainer(to, out.data, out.mark);
  }

  #toContainer(device: HookDevice, frame: Uint8Array, mark: number): Seen[] {
    if (!this.#plan.pods.includes(device)) return [seen(device, frame)];
    const out = this.#run('cil_to_container', frame, device.ifindex, mark);
    this.#plan.count(`tc egress ${out.returnValue === TC_SHOT ? 'shot' : 'ok'}`);
    return out.returnValue === TC_SHOT ? [] : [seen(device, out.data)];
  }

  /** ip_forward. A device without ARP addresses its frames to itself. */
  #stack(from: HookDevice, frame: Uint8Array, mark: number): Seen[] {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    const forUs = from.mac.every((byte, index) => frame[index] === byte);
    if (!forUs || (frame[IP + 8] ?? 0) <= 1) return [];
    const ifindex = this.#plan.routes.get(view.getUint32(IP + 16) as Ipv4);
    const to = this.#plan.pods.find((pod) => pod.ifindex === ifindex) ?? this.#plan.defaultRoute;
    const out = frame.slice();
    out.set(to.mac, 0);
    out.set(to.mac, 6);
    out[IP + 8] = (frame[IP + 8] ?? 0) - 1;
    out.fill(0, IP + 10, IP + 12);
    new DataView(out.buffer).setUint16(IP + 10, internetChecksum(out.subarray(IP, IP + 20)));
    return this.#toContainer(to, out, mark);
  }

  #run(program: string, data: Uint8Array, ifindex: number, mark = 0): RunOutput {
    return this.#plan.collection.run(program, { data, ifindex, ingressIfindex: ifindex, mark });
  }

  #device({ redirect }: RunOutput): HookDevice | undefined {
    const { pods, uplink, others } = this.#plan;
    return [...pods, uplink, ...others].find(({ ifindex }) => ifindex === redirect?.ifindex);
  }
}

function seen({ far }: HookDevice, frame: Uint8Array): Seen {
  return { far, frame: Buffer.from(frame).toString('hex') };
}
