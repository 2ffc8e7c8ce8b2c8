import { replay, type ReplayCase } from '../../src/datapaths/iptables/netfilter/replay.ts';
import type { CasePacket, Counters, Out, RecordedCase } from './case.ts';

type Fields = Readonly<Record<string, unknown>>;
const FIELDS = ['where', 'mark', 'proto', 'src', 'dst', 'sport', 'dport', 'ttl', 'icmp_type', 'icmp_code', 'icmp_id'];
const QUOTED = ['proto', 'src', 'dst', 'sport', 'dport', 'icmp_id'];
/** Those that NAT may choose at random. */
const CHOSEN: ReadonlySet<string> = new Set(['sport', 'dport', 'icmp_id']);

/** Where the engine and the kernel differ: a sentence each; none where they agree. Throws `RestoreError` where the engine refuses the rules. */
export function differences(recorded: RecordedCase): string[] {
  const result = replay(recorded);
  const found: string[] = [];
  recorded['packets.json'].forEach((packet, index) => {
    const engine = cameOut(result.outcomes[index] ?? {});
    // An answer of the kernel's own (time exceeded, no route) is no outcome of the packet.
    const kernel = (recorded.kernel.outs[index] ?? []).filter((out) => !(engine.length === 0 && isOwnAnswer(out)));
    const [ours, theirs] = [engine.map((out, which) => comparable(out, kernel[which], packet)), kernel.map((out, which) => comparable({ ...out }, engine[which], packet))].map((list) => JSON.stringify(list));
    if (ours !== theirs) found.push(`packet ${packet.id} ${JSON.stringify(packet)}: the engine ${String(result.outcomes[index]?.['outcome'])} ${String(result.outcomes[index]?.['by'] ?? '')} ${ours}, the kernel ${theirs}; ${JSON.stringify(result.steps[index]?.[1])}`);
  });
  return [...found, ...counterDifferences(result.counters, recorded.kernel.counters, recorded)];
}

const isOwnAnswer = ({ icmp_type, icmp_code, ttl }: Out) => ttl === 64 && (icmp_type === 11 || (icmp_type === 3 && icmp_code === 0));

/** What came out of the machine, or to its own stack (`in`). */
function cameOut(outcome: Fields): Fields[] {
  const where = { local: 'in', forwarded: outcome['out_iface'], 'routed-back': outcome['out_iface'] }[String(outcome['outcome'])];
  if (where !== undefined) return [{ ...outcome, where }];
  const answer = outcome['reply_packet'] as Fields | undefined;
  return answer ? [{ ...answer, where: answer['out_iface'] ?? 'in' }] : [];
}

/** The ranges within which NAT stays (nf_nat_core.c). */
const rangeOf = (port: number) => (port < 512 ? 'below 512' : port < 1024 ? 'below 1024' : 'above');

/** A packet's fields; a port that either side chose at random stands for its range. */
function comparable(out: Fields, other: Fields | Out | undefined, packet: CasePacket): Fields {
  const theirs = (other ?? {}) as Fields;
  const sent: Fields = packet;
  const chosen = (field: string) => other !== undefined && CHOSEN.has(field) && out[field] !== theirs[field] && ((out[field] !== sent[field] && theirs[field] !== sent[field]) || packet.nondeterministic?.includes(field) === true);
  const plain = FIELDS.map((field) => [field, chosen(field) && typeof out[field] === 'number' ? `chosen${field === 'icmp_id' ? '' : ` ${rangeOf(out[field])}`}` : out[field]] as const);
  const quoted = out['inner'] as Fields | undefined;
  const inner = quoted ? { inner: QUOTED.map((field) => (CHOSEN.has(field) && (packet.nondeterministic !== undefined || (quoted[field] !== sent[field] && quoted[field] !== (packet.inner ?? {})[field])) && (theirs['inner'] as Fields | undefined)?.[field] !== quoted[field] ? 'chosen' : quoted[field])) } : {};
  return { ...Object.fromEntries(plain.filter(([, value]) => value !== undefined)), ...inner };
}

function counterDifferences(engine: Counters, kernel: Counters, { 'rules.restore': text }: ReplayCase): string[] {
  const found: string[] = [];
  for (const [table, chains] of Object.entries(engine)) {
    for (const [chain, { policy, rules }] of Object.entries(chains)) {
      const theirs = kernel[table]?.[chain];
      const compare = (what: string, ours: readonly number[] | undefined, other: readonly number[] | undefined) => {
        if (JSON.stringify(ours) !== JSON.stringify(other)) found.push(`${what}: the engine counted ${JSON.stringify(ours)}, the kernel ${JSON.stringify(other)}`);
      };
      compare(`${table} ${chain}, policy`, policy, theirs?.policy);
      const written = (text.split(`*${table}\n`)[1]?.split('COMMIT')[0] ?? '').split('\n').filter((line) => line.startsWith(`-A ${chain} `));
      rules.forEach((counted, index) => { compare(`${table} ${written[index] ?? `${chain} ${index}`}`, counted, theirs?.rules[index]); });
      if (theirs && theirs.rules.length !== rules.length) found.push(`${table} ${chain}: the engine has ${rules.length} rules, the kernel ${theirs.rules.length}`);
    }
  }
  return found;
}
