import type { Timeline } from '../../cost/model.ts';
import type { AttachedRun, Verdict } from '../../datapaths/report.ts';
import type { Stage } from '../../datapaths/stage.ts';

/** A place on a lane's path. Times in ns. */
export interface Station {
  /** `pod`: an end of the path, drawn square. */
  readonly kind: 'pod' | 'dot';
  /** What it is called: a netfilter hook, a chain, a program, the uplink's device; null for words of the page's own (`role`). */
  readonly name: string | null;
  readonly role: 'client' | 'server' | 'node' | 'uplink' | 'veth' | 'route' | 'conntrack' | 'accesses' | 'dnat' | 'answer' | null;
  /** The packet is here from `start` on, and has left at `end`. */
  readonly start: number;
  readonly end: number;
  /** Chains only: whether its rule sent the packet on to another address. */
  readonly dnat: boolean;
  /** Map stations only: accesses made there. */
  readonly accesses: number;
  /** The program is a person's own: the hook that it stands at. */
  readonly own?: string;
  /** What it returned, as the kernel calls it. */
  readonly returned?: string;
}

interface Draft {
  name: string | null;
  role: Station['role'];
  start: number;
  end: number;
  dnat: boolean;
  accesses: number;
  own?: string;
  returned?: string;
}

/** A drop that a program counts under its reason: `DROP_POLICY (-133)`. */
const COUNTED_DROP = /^DROP_/;
/** What writes the header, among a program's helpers. */
const REWRITES = 'helper:skb_store_bytes';

/**
 * The places of a lane's path, from its stages: kube-proxy's chains of nat stand alone, everything else of a hook is one
 * station. Its end is the server pod, the node itself, or the uplink that it left the node on; a packet that was refused or
 * dropped never reaches the server pod.
 */
export function stationsOf({ stages, total }: Timeline<Stage>, verdict: Verdict, attached: readonly AttachedRun[] = []): readonly Station[] {
  const drafts: Draft[] = [];
  const add = (name: string | null, role: Station['role'], start: number, end: number): Draft => {
    const last = drafts.at(-1);
    if (last && last.name === name && last.role === role) {
      last.end = end;
      return last;
    }
    const draft: Draft = { name, role, start, end, dnat: false, accesses: 0 };
    drafts.push(draft);
    return draft;
  };
  const mine = ownHooks(stages);
  const redirect = stages.findIndex(({ stage }) => stage.kind === 'redirect');
  let lastMap = -1;
  stages.forEach(({ stage }, index) => { if (stage.kind === 'map' && !mine[index] && (redirect < 0 || index < redirect)) lastMap = index; });
  let behind: Draft | null = null;
  const established = stages.some(({ stage }) => stage.kind === 'conntrack' && (stage.work.natRewrites ?? 0) > 0);
  let routed = false;
  let mapped = false;
  let reached: number | null = null;
  stages.forEach(({ stage, start, duration }, index) => {
    const end = start + duration;
    const own = mine[index];
    if (own) {
      // A run of a person's own is one place, its map accesses too.
      const known = drafts.find((draft) => draft.own === own);
      if (known) known.end = end;
      else {
        const run = attached.find(({ hook }) => hook === own);
        const draft: Draft = { name: stage.name, role: null, start, end, dnat: false, accesses: 0, own, returned: run ? (run.action ?? `r0 = ${run.returned ?? ''}`) : '' };
        // The process calls connect() before there is a packet.
        if (own === 'connect4' && drafts.at(-1)?.role === 'veth') drafts.splice(-1, 0, draft);
        else drafts.push(draft);
      }
      return;
    }
    switch (stage.kind) {
      case 'way-in':
        add(null, 'veth', end, end);
        break;
      case 'way-out':
        reached ??= start;
        break;
      case 'conntrack':
        if (established && !routed) add(null, 'conntrack', start, end);
        else add(stage.hook, null, start, end);
        break;
      case 'chain': {
        if (established && !routed) {
          add(null, 'conntrack', start, end);
          break;
        }
        const alone = !routed && stage.part === 'nat' && stage.name !== stage.hook;
        const draft = add(alone ? stage.name : stage.hook, null, start, end);
        if ((stage.work.natSetUps ?? 0) > 0 && alone) draft.dnat = true;
        break;
      }
      case 'confirm':
        add(stage.hook, null, start, end);
        break;
      case 'route':
        routed = true;
        add(null, 'route', start, end);
        break;
      case 'program':
      case 'map':
        if (redirect >= 0 && index > redirect) {
          // The receiving pod's own program is one place, its map accesses too.
          behind ??= add(stage.name, null, start, end);
          behind.end = end;
          break;
        }
        if (stage.kind === 'map') mapped = true;
        if (!mapped) add(stage.name, null, start, end);
        else if (index <= lastMap) {
          const draft = add(null, 'accesses', start, end);
          if (stage.kind === 'map') draft.accesses += 1;
        } else if ((stage.work[REWRITES] ?? 0) > 0) add(null, 'dnat', start, end);
        else add(stage.name, null, start, end);
        break;
      case 'redirect':
        add(stage.name, null, start, end);
        break;
      case 'answer':
        add(null, 'answer', start, end);
        break;
    }
  });
  // Why a program of the lane's own dropped it, where it did.
  const last = drafts.at(-1);
  if (verdict.kind === 'dropped' && last && last.name !== null && last.own === undefined && COUNTED_DROP.test(verdict.by)) last.returned = verdict.by;
  const way = stages.find(({ stage }) => stage.kind === 'way-in');
  const from = way?.start ?? 0;
  return [
    { kind: 'pod', name: null, role: 'client', start: from, end: way ? way.start + way.duration : 0, dnat: false, accesses: 0 },
    ...drafts.map((draft): Station => ({ kind: 'dot', ...draft })),
    lastStation(verdict, reached, total),
  ];
}

/** For each stage the hook of the person's own program that it is part of; '': none. A run begins and ends with its program. */
function ownHooks(stages: Timeline<Stage>['stages']): readonly string[] {
  let own = '';
  return stages.map(({ stage }) => {
    if (stage.kind === 'program') own = stage.part;
    else if (stage.kind !== 'map') own = '';
    return own;
  });
}

/** `reached`: when the way out began; null: there was none. */
function lastStation(verdict: Verdict, reached: number | null, total: number): Station {
  const end = { kind: 'pod', dnat: false, accesses: 0 } as const;
  if (verdict.kind === 'forwarded') return { ...end, name: verdict.device, role: 'uplink', start: total, end: total };
  const role = verdict.kind === 'delivered' && verdict.device === 'lo' ? 'node' : 'server';
  return { ...end, name: null, role, start: reached ?? Infinity, end: reached === null ? Infinity : total };
}

/** A later packet's path beside its connection's first one: `bypassed` stations are those that only the first one saw. */
export type LaterStation = Station & { readonly bypassed: boolean };

/**
 * A later packet's stations on the first one's path: connection tracking stands where the first packet entered its hook,
 * and the chains that it was sent to from there are bypassed.
 */
export function laterStations(first: readonly Station[], later: readonly Station[]): readonly LaterStation[] {
  const conntrack = later.find(({ role }) => role === 'conntrack');
  const hook = first.find(({ kind, role }) => kind === 'dot' && role === null);
  return first.map((station) => {
    const own = station === hook && conntrack ? { ...conntrack, name: station.name, role: null } : later.find(({ name, role, kind }) => name === station.name && role === station.role && kind === station.kind);
    return own ? { ...own, bypassed: false } : { ...station, bypassed: true, start: Infinity, end: Infinity };
  });
}

export type StationState = 'passed' | 'here' | 'to-come';

/** What a station looks like at `tNs`. */
export function stationState({ start, end }: Station, tNs: number): StationState {
  if (tNs >= end) return 'passed';
  return tNs >= start ? 'here' : 'to-come';
}

/**
 * Where the packet stands on the path, as a station's index with a fraction: it moves along the line while it is on the
 * shared way, and stands at a station while that works.
 */
export function packetPlace(stations: readonly Station[], tNs: number): number {
  const last = stations.length - 1;
  const [client, server] = [stations[0], stations[last]];
  if (!client || !server || tNs <= client.start) return 0;
  if (tNs < client.end) return (tNs - client.start) / (client.end - client.start);
  if (tNs >= server.end) return last;
  if (tNs >= server.start) return last - 1 + (tNs - server.start) / (server.end - server.start);
  const here = stations.findLastIndex((station, index) => index < last && tNs >= station.start);
  return Math.max(1, here);
}
