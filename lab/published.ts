import { LATENCY_TO_ADD_RULES } from '../src/cost/latency-to-add-rules.ts';
import type { Point, UpdatePoint } from '../src/cost/profile.ts';

/** What others published, for charts: other machines, other set-ups, which each source says. */

const BLOG = 'Kubernetes blog, “NFTables mode for kube-proxy”, February 2025, chart of KEP-3866: p50 of the first packet’s latency in iptables mode, read off the chart (±4 µs). Another set-up: another machine, and the rule’s position and the iptables backend are not said';

export const PUBLISHED_POINTS: readonly Point[] = [
  { services: 5000, us: 49 },
  { services: 10_000, us: 60 },
  { services: 30_000, us: 274 },
].map(({ services, us }) => ({ datapath: 'iptables', connection: 'new', services, position: -1, ns: us * 1000, low: (us - 4) * 1000, high: (us + 4) * 1000, mark: 'published', source: BLOG }));

export const PUBLISHED_UPDATES: readonly UpdatePoint[] = LATENCY_TO_ADD_RULES.rows.map(({ services, ns }) => ({ datapath: 'iptables', kind: 'unstated', services, ns, low: ns, high: ns, mark: 'published', source: LATENCY_TO_ADD_RULES.source }));
