/** A published time to bring rules into effect; what exactly was added, its source does not say. */
export interface PublishedUpdate {
  readonly services: number;
  readonly rules: number;
  readonly ns: number;
}

const SECOND = 1e9;

/** The table “Latency to Add Rules… Measured by iptables and ipvsadm”. */
export const HUAWEI_2017: readonly PublishedUpdate[] = [
  { services: 1, rules: 8, ns: 0.002 * SECOND },
  { services: 5000, rules: 40_000, ns: 11 * 60 * SECOND },
  { services: 20_000, rules: 160_000, ns: 5 * 3600 * SECOND },
];

export const HUAWEI_2017_SOURCE = 'Huawei, KubeCon 2017; kubernetes/community pull request 692 (2017-06-07), “Latency to Add Rules”';
