import type { PacketReport } from '../datapaths/report.ts';
import { RULE_OUTCOMES, type Trace } from '../datapaths/trace.ts';
import { formatEndpoint, flowOf } from '../packet/flow.ts';
import type { Packet } from '../packet/packet.ts';
import type { Lane } from '../simulation/api.ts';

/** What became of one packet in one lane, as JSON: addresses as text, times in nanoseconds. */
export function laneLine({ report, timeline }: Lane, profile: string, trace: boolean): object {
  const { datapath, verdict, packetIn, packetOut, connection, work, attached } = report;
  const arrived = verdict.kind === 'delivered' || verdict.kind === 'forwarded';
  return {
    datapath,
    sent: flowText(packetIn),
    verdict: verdict.kind,
    ...(arrived ? { endpoint: formatEndpoint(verdict.address, verdict.port), device: verdict.device } : { by: verdict.by }),
    arrived: packetOut ? flowText(packetOut) : null,
    connection,
    ...(attached ? { attached } : {}),
    work,
    time: { total: timeline.total, shared: timeline.shared, profile },
    ...(trace ? { stages: stageLines(report, timeline) } : {}),
  };
}

function flowText(packet: Packet): string {
  const { source, sourcePort, destination, destinationPort, protocol } = flowOf(packet);
  return `${protocol} ${formatEndpoint(source, sourcePort)} → ${formatEndpoint(destination, destinationPort)}`;
}

function stageLines({ trace }: PacketReport, timeline: Lane['timeline']): object[] {
  return timeline.stages.map(({ stage, start, duration }, index) => {
    const { kind, name, hook, part, work, firstStep, endStep } = stage;
    return { kind, name, hook, part, start, duration, work, ...stepsOf(trace, firstStep, endStep, index) };
  });
}

/** A stage's rules with what each ended with; or its instructions, and its map access. */
function stepsOf(trace: Trace | null, from: number, to: number, stage: number): object {
  if (!trace) return {};
  if (trace.kind === 'program') {
    const access = trace.accesses.find((one) => one.stage === stage);
    return {
      ...(to > from ? { instructions: [...trace.instruction.subarray(from, to)] } : {}),
      ...(access ? { key: access.keyText, value: access.valueText, found: access.found, bucket: access.bucket, buckets: access.buckets } : {}),
    };
  }
  if (to === from) return {};
  return { rules: Array.from(trace.rule.subarray(from, to), (rule, index) => ({ rule, outcome: RULE_OUTCOMES[trace.outcome[from + index] ?? 0] })) };
}
