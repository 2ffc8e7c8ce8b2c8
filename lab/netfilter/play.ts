import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import type { CasePacket, Out, RecordedCase, Topology } from './case.ts';
import { KernelRouter, type RouterPlan } from './kernel-router.ts';
import type { NextPacket, Sent } from './random-packet.ts';

export interface PlayPlan extends RouterPlan {
  readonly name: string;
  readonly topology: Topology;
  /** The next packet, after what came out of those before; null: nothing fits this time. */
  readonly next?: (history: readonly Sent[]) => NextPacket | null;
  /** Or packet by packet, all that were sent and came out at hand. */
  readonly script?: (at: number, packets: readonly CasePacket[], outs: readonly (readonly Out[])[]) => NextPacket;
  readonly count: number;
  /**
   * What the kernel drew, as far as what came out tells it. Such a case is another one each time: the packets follow what
   * was drawn.
   */
  readonly draws?: (packet: CasePacket, outs: readonly Out[]) => readonly number[];
}

/** Waits from here on are part of the case: the engine's clock must not fall behind the kernel's. */
const NOTABLE_MS = 5;

/** Has the kernel play a case, each packet made after what became of those before. Throws `LabError`. */
export async function play(helper: string, plan: PlayPlan): Promise<RecordedCase> {
  const router = await KernelRouter.start(helper, plan);
  try {
    const packets: CasePacket[] = [];
    const outs: Out[][] = [];
    const history: Sent[] = [];
    const chosen = new Set<number>();
    let last = performance.now();
    for (let tries = 0; packets.length < plan.count && tries < plan.count * 20; tries++) {
      const made = plan.script ? plan.script(packets.length, packets, outs) : (plan.next?.(history) ?? null);
      if (made === null || (!plan.script && dependsOnChance(made, chosen))) continue;
      const pause = (made as CasePacket).wait_ms;
      if (pause !== undefined) await setTimeout(Math.max(0, pause - (performance.now() - last)));
      const waited = Math.round(performance.now() - last);
      const numbered: CasePacket = { ...withoutWait(made as CasePacket), id: packets.length + 1, ...(waited >= NOTABLE_MS ? { wait_ms: waited } : {}) } as CasePacket;
      last = performance.now();
      const came = await router.send(numbered);
      const draws = plan.draws?.(numbered, came);
      const packet = draws && draws.length > 0 ? { ...numbered, draws } : numbered;
      packets.push(packet);
      outs.push(came);
      const [out] = came;
      if (came.length !== 1 || out === undefined || !isOneHost(out.dst)) continue;
      for (const field of ['sport', 'dport'] as const) {
        const port = out[field];
        if (port !== undefined && port !== packet[field]) chosen.add(port);
      }
      if (out.proto === packet.proto && !(out.flags?.includes('RST') && !packet.flags?.includes('RST')) && (out.inner === undefined) === (packet.inner === undefined)) history.push({ packet, out });
    }
    return recorded(plan, packets, outs, router);
  } finally {
    router.close();
  }
}

/** The same packets once more, in a fresh kernel router: is it always so? Throws `LabError`. */
export async function playAgain(helper: string, plan: PlayPlan, before: RecordedCase): Promise<RecordedCase> {
  if (plan.draws) return play(helper, plan);
  const router = await KernelRouter.start(helper, plan);
  try {
    const packets: CasePacket[] = [];
    const outs: Out[][] = [];
    let last = performance.now();
    for (const { wait_ms, ...packet } of before['packets.json']) {
      if (wait_ms !== undefined) await setTimeout(Math.max(0, wait_ms - (performance.now() - last)));
      const waited = Math.round(performance.now() - last);
      last = performance.now();
      const sent = resolved(packet as CasePacket, outs, packets);
      const came = await router.send(sent);
      outs.push(came);
      packets.push({ ...packet, ...(waited >= NOTABLE_MS ? { wait_ms: waited } : {}) } as CasePacket);
    }
    return recorded(plan, packets, outs, router);
  } finally {
    router.close();
  }
}

/** How long it was is measured. */
function withoutWait({ wait_ms: _, ...packet }: CasePacket): Omit<CasePacket, 'wait_ms'> {
  return packet;
}

function recorded({ name, topology, rules, sets }: PlayPlan, packets: readonly CasePacket[], outs: readonly Out[][], router: KernelRouter): RecordedCase {
  return { name, 'topology.json': { interfaces: topology.interfaces, routes: topology.routes }, 'rules.restore': rules.join(''), ...(rules.length > 1 ? { noflush: true } : {}), ...(sets === undefined ? {} : { 'ipsets.txt': sets }), 'packets.json': packets, kernel: { outs, counters: router.counters() } };
}

/** Its ports are those that NAT chose at random for another connection: in the engine nothing would be there. */
function dependsOnChance(packet: NextPacket, chosen: ReadonlySet<number>): boolean {
  const inner = (packet.inner ?? {}) as Readonly<Record<string, unknown>>;
  const said = new Set((packet as CasePacket).nondeterministic ?? []);
  return (['sport', 'dport'] as const).some((field) => (isHigh(packet[field], chosen) && !said.has(field)) || (isHigh(inner[field], chosen) && !said.has(`inner.${field}`)));
}

/** Neither all of a network nor a group: nobody there who could answer. */
const isOneHost = (address: string) => !address.endsWith('.255') && !/^2(2[4-9]|3\d)\./.test(address);

/** Ports that rules name are no chance. */
const isHigh = (port: unknown, chosen: ReadonlySet<number>) => typeof port === 'number' && chosen.has(port) && ![80, 443, 53, 8080, 3001, 5000, 600, 900, 500, 4000, 40000, 40001].includes(port);

const OTHER: Readonly<Record<string, keyof Out>> = { sport: 'dport', dport: 'sport', icmp_id: 'icmp_id' };

/** With what NAT chose this time, as the engine's replay does it. */
function resolved(packet: CasePacket, outs: readonly Out[][], packets: readonly CasePacket[]): CasePacket {
  const at = packets.findIndex(({ id }) => id === packet.reply_to);
  const original = outs[at]?.[0];
  if (!packet.nondeterministic || !original) return packet;
  const changed: Record<string, unknown> = { ...packet };
  for (const field of packet.nondeterministic) {
    if (field.startsWith('inner.')) changed['inner'] = { ...(changed['inner'] as object), [field.slice(6)]: original[field.slice(6) as keyof Out] };
    else changed[field] = original[OTHER[field] ?? (field as keyof Out)];
  }
  return changed as CasePacket;
}
