import { RULE_OUTCOMES, type RuleOutcome } from '../../datapaths/trace.ts';
import type { PacketReport } from '../../datapaths/report.ts';
import type { RuleRow } from '../../datapaths/view.ts';
import { formatIpv4 } from '../../packet/address.ts';
import type { Packet } from '../../packet/packet.ts';

/** The rule that the chain lane stands at, and what its comparison ended with. */
export interface ChainStep {
  readonly table: string;
  readonly chain: string;
  readonly hook: string;
  /** From 0 within the chain. */
  readonly rule: number;
  readonly outcome: RuleOutcome;
  /** Which match of the rule said no, from 0 in written order; null unless the outcome is `match`. */
  readonly failedMatch: number | null;
}

/** Reads one step of a chain's trace; null where there is none, or it belongs to no stage. */
export function chainStep(report: PacketReport, step: number | null): ChainStep | null {
  const { trace } = report;
  if (step === null || trace?.kind !== 'chain') return null;
  const stage = report.stages.find(({ kind, firstStep, endStep }) => kind === 'chain' && step >= firstStep && step < endStep);
  const rule = trace.rule[step];
  const outcome = RULE_OUTCOMES[trace.outcome[step] ?? -1];
  if (!stage || rule === undefined || outcome === undefined) return null;
  return { table: stage.part, chain: stage.name, hook: stage.hook, rule, outcome, failedMatch: outcome === 'match' ? (trace.failedMatch[step] ?? null) : null };
}

/** What a rule asked for, and what the packet had instead. */
export type Difference =
  | { readonly field: 'source' | 'destination' | 'protocol' | 'port'; readonly wants: string; readonly has: string }
  | { readonly field: 'interface'; readonly wants: string }
  | { readonly field: 'match'; readonly name: string; readonly wants: string }
  | { readonly field: 'none' };

const PORT_MATCHES = new Set(['tcp', 'udp', 'sctp']);

/** The packet as it is at a step: DNAT happens in PREROUTING, so later hooks see where it leads. */
export function packetAt(report: PacketReport, hook: string): Packet {
  return hook === 'PREROUTING' || hook === 'OUTPUT' ? report.packetIn : (report.packetOut ?? report.packetIn);
}

/** Why the rule did not fit: the first field that differed. `none`: it matched. */
export function difference(step: ChainStep, row: RuleRow, packet: Packet): Difference {
  switch (step.outcome) {
    case 'matched':
      return { field: 'none' };
    case 'source':
      return { field: 'source', wants: row.source ?? '', has: formatIpv4(packet.source) };
    case 'destination':
      return { field: 'destination', wants: row.destination ?? '', has: formatIpv4(packet.destination) };
    case 'protocol':
      return { field: 'protocol', wants: row.protocol ?? '', has: packet.protocol.toLowerCase() };
    case 'in-interface':
    case 'out-interface':
      return { field: 'interface', wants: /(?:! )?-[io] \S+/.exec(row.text)?.[0] ?? '' };
    case 'match': {
      const matches = [...row.text.matchAll(/(?:^| )-m (\S+)((?: (?!-m |-j |-g |-p |-s |-d )\S+)*)/g)];
      const found = matches[step.failedMatch ?? -1];
      const name = found?.[1] ?? '';
      const port = row.destinationPort;
      if (PORT_MATCHES.has(name) && port !== null && packet.protocol !== 'ICMP') return { field: 'port', wants: port, has: String(packet.destinationPort) };
      return { field: 'match', name, wants: (found?.[2] ?? '').trim() };
    }
  }
}
