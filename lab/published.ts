import type { Point, UpdatePoint } from '../src/cost/profile.ts';

/** What others published, for charts: other machines, other set-ups, which each source says. */

const BLOG = 'Kubernetes blog, “NFTables mode for kube-proxy”, February 2025, chart of KEP-3866: p50 of the first packet’s latency in iptables mode, read off the chart (±4 µs). Another set-up: another machine, and the rule’s position and the iptables backend are not said';

export const PUBLISHED_POINTS: readonly Point[] = [
  { services: 5000, us: 49 },
  { services: 10_000, us: 60 },
  { services: 30_000, us: 274 },
].map(({ services, us }) => ({ datapath: 'iptables', connection: 'new', services, position: -1, ns: us * 1000, low: (us - 4) * 1000, high: (us + 4) * 1000, mark: 'published', source: BLOG }));

const HUAWEI = 'Huawei at KubeCon 2017, table “Latency to Add Rules… Measured by iptables and ipvsadm” (kubernetes/community pull request 692, 2017-06-07). Many texts read it as the time to add one rule; Cilium’s post of 2018 reads it as the time to install them all. Another set-up, and a kernel of that time';

export const PUBLISHED_UPDATES: readonly UpdatePoint[] = [
  { services: 1, ns: 2e6 },
  { services: 5000, ns: 660e9 },
  { services: 20_000, ns: 18_000e9 },
].map(({ services, ns }) => ({ datapath: 'iptables', kind: 'full', services, ns, low: ns, high: ns, mark: 'published', source: HUAWEI }));
