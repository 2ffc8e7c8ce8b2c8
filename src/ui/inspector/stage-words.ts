import type { Stage } from '../../datapaths/stage.ts';
import type { Lane } from '../../simulation/api.ts';
import { formatIpv4, type Ipv4 } from '../../packet/address.ts';
import { m } from '../../i18n/paraglide/messages.js';
import { endedByWords } from './ended-by.ts';

/** What happens at a stage, in a sentence. */
export function stageWords(stage: Stage): string {
  const { name, hook } = stage;
  switch (stage.kind) {
    case 'way-in': return m.inspector_stage_way_in();
    case 'way-out': return m.inspector_stage_way_out();
    case 'conntrack': return (stage.work.natRewrites ?? 0) > 0 ? m.inspector_stage_conntrack_nat() : m.inspector_stage_conntrack();
    case 'confirm': return m.inspector_stage_confirm();
    case 'route': return m.inspector_stage_route();
    case 'chain': return m.inspector_stage_chain({ chain: name, hook });
    case 'program': return m.inspector_stage_program({ program: name, count: stage.work.instructions ?? 0 });
    case 'map': return m.inspector_stage_map({ map: name });
    case 'redirect': return m.inspector_stage_redirect({ helper: name });
    case 'answer': return m.inspector_stage_answer();
  }
}

/** How a lane ended. */
export function arrivalWords({ report }: Lane): string {
  const { verdict } = report;
  const place = (address: Ipv4, port: number) => (report.packetIn.protocol === 'ICMP' ? formatIpv4(address) : `${formatIpv4(address)}:${port}`);
  switch (verdict.kind) {
    case 'delivered': return m.inspector_delivered({ address: place(verdict.address, verdict.port) });
    case 'forwarded': return m.inspector_forwarded({ address: place(verdict.address, verdict.port), device: verdict.device });
    case 'rejected': return m.inspector_rejected({ by: endedByWords(verdict.by) });
    case 'dropped': return m.inspector_dropped({ by: endedByWords(verdict.by) });
  }
}
