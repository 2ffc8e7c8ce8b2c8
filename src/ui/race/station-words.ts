import { m } from '../../i18n/paraglide/messages.js';
import type { Station } from './stations.ts';

/** `KUBE-SVC-PY37FCSRXBVLYHJA` is cut after the first letters of its hash. */
const HASHED = /^(KUBE-(?:SVC|SEP|SVL|EXT|FW)-)(\w{4})\w+$/;

/** What a station is called on the path. */
export function stationWords({ name, role, dnat, accesses, returned }: Station): string {
  if (name !== null && returned) return `${name}: ${returned}`;
  if (name !== null && role === 'uplink') return m.race_left_on({ device: name });
  if (name !== null) {
    const short = name.replace(HASHED, dnat ? '$1' : '$1$2…').replace(/-$/, '');
    return dnat ? `${short} · DNAT` : short;
  }
  switch (role) {
    case 'client': return m.race_client_pod();
    case 'server': return m.race_server_pod();
    case 'route': return m.race_route();
    case 'accesses': return m.race_accesses({ count: accesses });
    case 'answer': return m.race_answer();
    case 'dnat': return 'DNAT';
    case 'conntrack': return 'conntrack';
    case 'node': return m.race_node();
    case 'uplink':
    case 'veth':
    case null: return 'veth';
  }
}

/** Its whole name, for a tooltip. */
export function stationTitle(station: Station): string {
  return station.name ?? stationWords(station);
}
