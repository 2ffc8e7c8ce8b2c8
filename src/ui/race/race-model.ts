import type { Lane, Opened, Race } from '../../simulation/api.ts';
import type { MapAccess } from '../../datapaths/trace.ts';
import { accessesOf } from './held-access.ts';
import { laneParts, type LaneParts } from './lane-parts.ts';
import { dwellOf, raceEnd, type Dwell } from './race-clock.ts';
import { findScan, type Scan } from './scan.ts';
import { laterStations, stationsOf, type LaterStation, type Station } from './stations.ts';

/** What of a race does not depend on the clock. */
export interface RaceModel {
  readonly race: Race;
  readonly opened: Opened;
  readonly established: boolean;
  /** When the slower lane ends, ns. */
  readonly end: number;
  readonly dwell: Dwell;
  readonly chain: {
    readonly lane: Lane;
    readonly parts: LaneParts;
    readonly stations: readonly LaterStation[];
    /** The walk through KUBE-SERVICES: this packet's, or the connection's first one's; null: there was none. */
    readonly scan: Scan | null;
    /** The rule that matched there, from 0; null: none did. */
    readonly match: number | null;
    /** Rules that are drawn as cells. */
    readonly rules: number;
    /** The lane whose time gives the clock its scale: the first packet's for a known connection. */
    readonly scaleEnd: number;
  };
  readonly map: {
    readonly lane: Lane;
    readonly parts: LaneParts;
    readonly stations: readonly Station[];
    readonly accesses: readonly MapAccess[];
  };
}

export function raceModel(race: Race, opened: Opened): RaceModel {
  const chain = race.lanes.iptables;
  const map = race.lanes.ebpf;
  const walked = race.first?.iptables ?? chain;
  const scan = findScan(walked.timeline);
  // A target without a rule in that chain is walked past to the end.
  const match = scan && opened.target.position !== null ? scan.evaluated - 1 : null;
  const own = stationsOf(chain.timeline, chain.report.verdict);
  return {
    race,
    opened,
    established: race.first !== null,
    end: raceEnd(race),
    dwell: dwellOf(race),
    chain: {
      lane: chain,
      parts: laneParts(chain.timeline),
      stations: race.first ? laterStations(stationsOf(race.first.iptables.timeline, race.first.iptables.report.verdict), own) : own.map((station) => ({ ...station, bypassed: false })),
      scan,
      match,
      rules: Math.max(opened.positions, scan?.evaluated ?? 0),
      scaleEnd: Math.max(walked.timeline.total, raceEnd(race)),
    },
    map: { lane: map, parts: laneParts(map.timeline), stations: stationsOf(map.timeline, map.report.verdict, map.report.attached), accesses: accessesOf(map) },
  };
}

/** How a lane ended: `arrived`, in a socket queue on this node; `left`, through its uplink. */
export function ending({ report }: Lane): 'arrived' | 'left' | 'refused' | 'dropped' {
  switch (report.verdict.kind) {
    case 'delivered':
      return 'arrived';
    case 'forwarded':
      return 'left';
    case 'rejected':
      return 'refused';
    case 'dropped':
      return 'dropped';
  }
}
