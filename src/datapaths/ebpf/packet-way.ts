import { formatIpv4, type Ipv4 } from '../../packet/address.ts';
import { internetChecksum } from '../../packet/checksum.ts';
import { decodeFrame, encodeFrame } from '../../packet/frame.ts';
import type { Packet } from '../../packet/packet.ts';
import type { LocalPod, LocalPods } from '../local-pods.ts';
import type { Verdict } from '../report.ts';
import { HOOK_TYPE, type AttachHook } from './attached/attachment.ts';
import { actionOf } from './attached/hook-actions.ts';
import type { OwnProgram, OwnPrograms } from './attached/own-programs.ts';
import { MAP } from './agent/layout.ts';
import { dropReason } from './map-text.ts';
import { macOf } from './pod-mac.ts';
import type { RunRecord } from './run-record.ts';
import { BpfError, type Collection, type RunInput, type RunOutput } from './vm.ts';

export const UPLINK = 'eth0';
/** Its number on the node; pods' devices come behind. */
const UPLINK_IFINDEX = 2;
const ETHERNET = 14;
const IP_HEADER = 20;
const TTL = ETHERNET + 8;
const IP_CHECKSUM = ETHERNET + 10;

/** What a way is walked with. */
export interface WayOptions {
  readonly collection: Collection;
  /** The lane's own programs by hook; '': none stands there. */
  readonly programs: Readonly<Record<'from-container' | 'to-container', string>>;
  readonly own: OwnPrograms | null;
  readonly pods: LocalPods;
  readonly node: { readonly name: string; readonly address: Ipv4 };
  readonly nowNs: bigint;
  readonly steps: boolean;
  readonly record: RunRecord;
}

export interface Ended {
  readonly verdict: Verdict;
  readonly out: Packet | null;
}

/** A packet between two hooks. */
interface Moving {
  readonly frame: Uint8Array;
  readonly mark: number;
  /** What the frame says; where it cannot be read, what it said before. */
  readonly packet: Packet;
  /** A program of a person's own has had it in its hands. */
  readonly touched: boolean;
}

type AtHook = { readonly then: 'on'; readonly moving: Moving } | { readonly then: 'redirect'; readonly moving: Moving; readonly redirect: NonNullable<RunOutput['redirect']> } | { readonly then: 'back'; readonly moving: Moving } | { readonly then: 'end'; readonly ended: Ended };

/**
 * A packet's way through the node's hooks, in the order in which the kernel comes to them: XDP and tc of the sending
 * pod's veth, then past the stack or through it, then tc of the receiving pod's veth.
 */
export class PacketWay {
  readonly #with: WayOptions;

  constructor(options: WayOptions) {
    this.#with = options;
  }

  /** What a pod sends. */
  fromPod(packet: Packet, pod: LocalPod): Ended {
    const frame = encodeFrame(packet, { source: macOf(pod.address, 0), destination: macOf(pod.address, 1) });
    let moving: Moving = { frame, mark: 0, packet, touched: false };
    const xdp = this.#own('xdp');
    if (xdp) {
      const at = this.#xdp(xdp, pod, moving);
      if (at.then !== 'on') return this.#leave(at, pod, 'xdp');
      moving = at.moving;
    }
    const at = this.#tc('from-container', pod, moving);
    if (at.then !== 'on') return this.#leave(at, pod, 'tc');
    return this.#throughStack(at.moving);
  }

  /** What comes to the node from elsewhere, or is the node's own. */
  fromOutside(packet: Packet): Ended {
    return this.#throughStack({ frame: null, mark: 0, packet, touched: false });
  }

  /** What programs leave to the node's own stack: its routes. Its hooks are not walked in this lane. */
  #throughStack({ frame, mark, packet: now, touched }: Omit<Moving, 'frame'> & { readonly frame: Uint8Array | null }): Ended {
    const { record, node, pods } = this.#with;
    const broken = frame && touched ? unreadable(frame) : null;
    if (broken) return drop(broken);
    record.add('route', 'FIB', 'PREROUTING', '', { routeLookups: 1 });
    const port = portOf(now);
    if (now.destination === node.address) {
      record.add('way-out', node.name, 'lo', '', {});
      return { verdict: { kind: 'delivered', address: now.destination, port, device: 'lo' }, out: now };
    }
    if (now.ttl <= 1) return drop('kernel');
    const out = { ...now, ttl: now.ttl - 1 };
    const server = pods.find(now.destination);
    if (!server) return { verdict: { kind: 'forwarded', address: now.destination, port, device: UPLINK }, out };
    if (!this.#stands('to-container')) return this.#arrive(server, out);
    const addresses = { source: macOf(server.address, 1), destination: macOf(server.address, 0) };
    return this.#toPod(server, { frame: frame ? routedFrame(frame, addresses) : encodeFrame(out, addresses), mark, packet: out, touched });
  }

  /** Onto the node's end of a pod's veth. */
  #toPod(server: LocalPod, moving: Moving): Ended {
    const at = this.#tc('to-container', server, moving);
    if (at.then !== 'on') return this.#leave(at, server, 'tc');
    return this.#intoPod(server, at.moving);
  }

  #intoPod(server: LocalPod, moving: Moving): Ended {
    const broken = moving.touched ? unreadable(moving.frame) : null;
    if (broken) return drop(broken);
    const out = moving.packet;
    if (out.destination !== server.address) return drop(`kernel: ${formatIpv4(out.destination)} is not ${server.name}`);
    return this.#arrive(server, out);
  }

  #arrive(server: LocalPod, out: Packet): Ended {
    this.#with.record.add('way-out', server.name, server.device, '', {});
    return { verdict: { kind: 'delivered', address: out.destination, port: portOf(out), device: server.device }, out };
  }

  /** What a hook does not let go on by itself. `from`: whose device the hook is at. */
  #leave(at: Exclude<AtHook, { then: 'on' }>, from: LocalPod, hook: 'xdp' | 'tc'): Ended {
    if (at.then === 'end') return at.ended;
    if (at.then === 'back') return this.#intoPod(from, at.moving);
    const { pods, record } = this.#with;
    const { ifindex, by } = at.redirect;
    record.add('redirect', by, hook, '', { redirects: 1 });
    if (ifindex === UPLINK_IFINDEX && by !== 'redirect_peer') {
      const { frame, packet: out, touched } = at.moving;
      const broken = touched ? unreadable(frame) : null;
      if (broken) return drop(broken);
      return { verdict: { kind: 'forwarded', address: out.destination, port: portOf(out), device: UPLINK }, out };
    }
    const server = [pods.find(at.moving.packet.destination), ...(this.#with.own ? pods.all() : [])].find((one) => one?.ifindex === ifindex);
    if (!server) return drop(`no interface ${ifindex}`);
    // redirect_peer puts it into the pod's own end, and XDP straight into the device: past tc of the node's end.
    return by === 'redirect_peer' || hook === 'xdp' ? this.#intoPod(server, at.moving) : this.#toPod(server, at.moving);
  }

  #own(hook: AttachHook): OwnProgram | null {
    return this.#with.own?.at(hook) ?? null;
  }

  #stands(hook: 'from-container' | 'to-container'): boolean {
    return this.#own(hook) !== null || this.#with.programs[hook] !== '';
  }

  #xdp(own: OwnProgram, { ifindex }: LocalPod, moving: Moving): AtHook {
    const ran = this.#runOwn('xdp', own, { data: moving.frame, ifindex, ingressIfindex: ifindex });
    if ('ended' in ran) return { then: 'end', ended: ran.ended };
    const { output, does, name } = ran;
    const next = after(moving, output, true);
    if (does === 'passes') return { then: 'on', moving: next };
    if (does === 'sends-back') return { then: 'back', moving: next };
    if (does === 'redirects' && output.redirect) return { then: 'redirect', moving: next, redirect: output.redirect };
    return { then: 'end', ended: drop(`${own.name}: ${reasonOf(output) ?? name ?? `r0 = ${output.returnValue}`}`) };
  }

  /** The programs of a tc hook, one after the other: what none of them decides goes on. */
  #tc(hook: 'from-container' | 'to-container', { ifindex }: LocalPod, from: Moving): AtHook {
    const own = this.#own(hook);
    let moving = from;
    const input = (): RunInput => ({ data: moving.frame, ifindex, ingressIfindex: hook === 'from-container' ? ifindex : 0, mark: moving.mark });
    if (own) {
      const ran = this.#runOwn(hook, own, input());
      if ('ended' in ran) return { then: 'end', ended: ran.ended };
      const { output, does, name } = ran;
      moving = after(moving, output, true);
      if (does === 'drops') return { then: 'end', ended: drop(`${own.name}: ${reasonOf(output) ?? name ?? ''}`) };
      if (does === 'takes') return { then: 'end', ended: drop(`${own.name}: ${name ?? ''}`) };
      if (does === 'redirects') return output.redirect ? { then: 'redirect', moving, redirect: output.redirect } : { then: 'end', ended: drop(`${own.name}: TC_ACT_REDIRECT`) };
      if (does === 'passes' || own.place === 'instead') return { then: 'on', moving };
    }
    const { collection, programs, record, steps, nowNs } = this.#with;
    const name = programs[hook];
    if (name === '') return { then: 'on', moving };
    const output = collection.run(name, { ...input(), nowNs, detail: steps ? 'steps' : 'counts' });
    record.lay(output, { name, hook: 'tc', own: '', knows: () => true });
    this.#with.own?.pinnedRan(output.accesses);
    moving = after(moving, output, moving.touched);
    const { does } = actionOf(hook, output.returnValue);
    if (does === 'drops') return { then: 'end', ended: drop(reasonOf(output) ?? 'TC_ACT_SHOT') };
    if (does === 'redirects' && output.redirect) return { then: 'redirect', moving, redirect: output.redirect };
    return { then: 'on', moving };
  }

  #runOwn(hook: AttachHook, own: OwnProgram, input: RunInput): { readonly output: RunOutput; readonly does: ReturnType<typeof actionOf>['does']; readonly name: string | null } | { readonly ended: Ended } {
    const ran = runOwn(hook, own, input, this.#with);
    return ran ?? { ended: drop(`${own.name}: fault`) };
  }
}

/** Runs a program of a person's own, and keeps what it did; null: the machine stopped it. */
export function runOwn(hook: AttachHook, own: OwnProgram, input: RunInput, { record, steps, nowNs }: Pick<WayOptions, 'record' | 'steps' | 'nowNs'>): { readonly output: RunOutput; readonly does: ReturnType<typeof actionOf>['does']; readonly name: string | null } | null {
  try {
    const output = own.run({ ...input, nowNs, detail: steps ? 'steps' : 'counts' });
    record.lay(output, { name: own.name, hook: HOOK_TYPE[hook].section, own: hook, knows: own.shares });
    const { name, does } = actionOf(hook, output.returnValue);
    record.attached.push({ hook, program: own.name, returned: output.returnValue, action: name, does, redirect: output.redirect, instructions: output.instructions, fault: null });
    return { output, does, name };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    record.attached.push({ hook, program: own.name, returned: null, action: null, does: 'fault', redirect: null, instructions: 0, fault: { message: error.message, instruction: error.instruction } });
    return null;
  }
}

/** Why it was dropped, as the drop is counted. */
function reasonOf(output: RunOutput): string | null {
  const metric = output.accesses.findLast(({ map }) => map === MAP.metrics);
  return metric ? dropReason(metric.key[0] ?? 0) : null;
}

/** What the kernel would not take of a program of a person's own: no IPv4 packet, or a header that does not add up. */
function unreadable(frame: Uint8Array): string | null {
  if (!decodeFrame(frame)) return 'kernel: no IPv4 packet';
  return internetChecksum(frame.subarray(ETHERNET, ETHERNET + IP_HEADER)) === 0 ? null : 'kernel: IPv4 header checksum';
}

function after(before: Moving, { data, mark }: RunOutput, touched: boolean): Moving {
  return { frame: data, mark, packet: decodeFrame(data) ?? before.packet, touched };
}

/** The frame as the stack hands it to a device: one hop less to live, and other hardware addresses. */
function routedFrame(frame: Uint8Array, { source, destination }: { readonly source: Uint8Array; readonly destination: Uint8Array }): Uint8Array {
  const routed = frame.slice();
  routed.set(destination, 0);
  routed.set(source, 6);
  routed[TTL] = (routed[TTL] ?? 1) - 1;
  routed.fill(0, IP_CHECKSUM, IP_CHECKSUM + 2);
  new DataView(routed.buffer).setUint16(IP_CHECKSUM, internetChecksum(routed.subarray(ETHERNET, ETHERNET + IP_HEADER)));
  return routed;
}

function drop(by: string): Ended {
  return { verdict: { kind: 'dropped', by }, out: null };
}

export function portOf(packet: Packet): number {
  return packet.protocol === 'ICMP' ? 0 : packet.destinationPort;
}
