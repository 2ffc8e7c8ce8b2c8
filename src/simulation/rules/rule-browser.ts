import { timePacket } from '../../cost/model.ts';
import type { Profile } from '../../cost/profile.ts';
import { nextChain, rulesOf, type RuleTable, type TableName } from '../../datapaths/iptables/index.ts';
import type { Implementation } from '../../datapaths/registry.ts';
import type { PacketReport } from '../../datapaths/report.ts';
import { RULE_OUTCOMES } from '../../datapaths/trace.ts';
import type { ClusterNode } from '../../kubernetes/node.ts';
import type { Ipv4 } from '../../packet/address.ts';
import { draw } from '../exchange.ts';
import { SimulationError } from '../simulation-error.ts';
import type { PlacedTarget } from '../target.ts';
import type { Caller, ChainGraph, ChainList, ChainsWanted, ChainView, ListedChain, MadePacket, RuleTables, Walk, WalkedRule } from './api.ts';
import { chainGraph } from './chain-graph.ts';
import type { ChainNames } from './chain-names.ts';
import { examplesFor, packetsToTry } from './example-packet.ts';
import { interfacesOf } from './interface-names.ts';

const CALLERS_LISTED = 50;
const CHAINS_LISTED = 1000;
/** Between a packet and one that is sent after it with what it left: as in a replay. */
const BETWEEN_PACKETS_MS = 1;
const MATCHED = RULE_OUTCOMES.indexOf('matched');
/** IFNAMSIZ without its end, and what dev_valid_name (net/core/dev.c) refuses. */
const INTERFACE = /^(?!\.{1,2}$)[^\s/:]{1,15}$/;

export interface RuleBrowserOptions {
  readonly lane: Implementation<'iptables'>;
  readonly names: ChainNames;
  readonly node: ClusterNode;
  /** null: nothing has an address that packets could be sent to. */
  readonly target: PlacedTarget | null;
  readonly profile: Profile;
  readonly seed: number;
  readonly packet: number;
}

/** What `RulesApi` promises, for the rules of one lane as they stand. */
export class RuleBrowser {
  readonly #options: RuleBrowserOptions;

  constructor(options: RuleBrowserOptions) {
    this.#options = options;
  }

  tables(): RuleTables {
    const { lane, node, target, seed, packet } = this.#options;
    const tables = [...lane.tables].map(([table, rules]) => ({ table, chains: [...rules.chains()].length, rules: rules.ruleCount }));
    const drawn = draw(seed, packet);
    return { tables, interfaces: interfacesOf(lane, node), example: this.#accepted(target ? examplesFor(target, lane, node, drawn) : packetsToTry(node, drawn)) };
  }

  graph(table: string): ChainGraph {
    const { names } = this.#options;
    const rules = this.#table(table);
    return rules ? chainGraph(rules, () => names.known(rules), names.families(rules)) : { table, nodes: [], edges: [] };
  }

  chains(table: string, { text, family }: ChainsWanted, from: number, count: number): ChainList {
    const rules = this.#table(table);
    if (!rules) return { total: 0, chains: [] };
    const { names } = this.#options;
    const known = names.known(rules);
    const families = family === null ? null : names.families(rules);
    const wanted = text.trim().toLowerCase();
    const chains: ListedChain[] = [];
    let total = 0;
    for (const { id, name } of rules.chains()) {
      if (families && families.get(name) !== family) continue;
      const stands = known.get(name);
      if (wanted !== '' && !name.toLowerCase().includes(wanted) && !stands?.service.includes(wanted) && !stands?.endpoint?.includes(wanted)) continue;
      total += 1;
      if (total > from && chains.length < Math.min(count, CHAINS_LISTED)) chains.push(this.#listed(rules, id));
    }
    return { total, chains };
  }

  chain(table: string, chain: string, from: number, count: number): ChainView | null {
    const { lane, names } = this.#options;
    const rules = this.#table(table);
    const id = rules?.chainId(chain);
    if (!rules || id === undefined) return null;
    const window = lane.inspect({ kind: 'rules', table, chain, from, count });
    const rows = window.kind === 'rules' ? window.rows : [];
    const stands = names.known(rules);
    const known: Record<string, { service: string; endpoint: string | null }> = {};
    const [first, end] = rulesOf(rules, id);
    for (const { index } of rows) {
      const next = nextChain(rules, first + index);
      const target = next < 0 ? undefined : stands.get(rules.chainName(next));
      if (target) known[rules.chainName(next)] = target;
    }
    return {
      chain: this.#listed(rules, id),
      node: names.node(rules, chain),
      total: end - first,
      from: rows[0]?.index ?? from,
      rows,
      known,
      ...callersOf(rules, id),
    };
  }

  /** The interface that packets of an address come in by; null: the node itself sends them. `otherwise`: for an address of nobody here. */
  deviceOf(address: Ipv4, otherwise: string): string | null {
    const device = this.#options.lane.deviceOf(address);
    return device === '' ? null : (device ?? otherwise);
  }

  /** Sends a packet. Throws `SimulationError` where an interface cannot have the name. */
  send({ packet, input, output, keep }: MadePacket): Walk {
    const { lane, profile, seed, packet: number } = this.#options;
    for (const name of [input, output]) if (name !== null && !INTERFACE.test(name)) throw new SimulationError('simulation_interface', { name });
    if (keep) {
      lane.advance(BETWEEN_PACKETS_MS);
    } else {
      lane.reset(draw(seed, number).seed);
      lane.resetCounters();
    }
    const report = lane.sendFrom(packet, { input, output }, 'steps');
    const { total } = connectionsOf(lane);
    return { lane: { report, timeline: timePacket(report, profile) }, rules: walkedRules(report), nodes: this.#nodesOf(report), connections: total };
  }

  /** The first of them that is not refused, else the first; nothing is left of the tries. */
  #accepted(packets: readonly MadePacket[]): MadePacket {
    const { lane, seed, packet } = this.#options;
    const [first] = packets;
    if (!first) throw new SimulationError('simulation_engine', { reason: 'No packet to try.' });
    if (packets.length === 1) return first;
    const clear = () => {
      lane.reset(draw(seed, packet).seed);
      lane.resetCounters();
    };
    const taken = packets.find((made) => {
      clear();
      const { verdict } = lane.sendFrom(made.packet, made, 'none');
      return verdict.kind === 'delivered' || verdict.kind === 'forwarded';
    });
    clear();
    return taken ?? first;
  }

  #table(name: string): RuleTable | undefined {
    return this.#options.lane.tables.get(name as TableName);
  }

  #nodesOf({ stages }: PacketReport): string[] {
    return stages.map(({ kind, part, name }) => {
      const table = kind === 'chain' ? this.#table(part) : undefined;
      return table ? this.#options.names.node(table, name) : '';
    });
  }

  #listed(table: RuleTable, id: number): ListedChain {
    const chain = table.chainName(id);
    const stands = this.#options.names.known(table).get(chain);
    return { table: table.name, chain, rules: table.length[id] ?? 0, policy: table.policies.get(id) ?? null, service: stands?.service ?? null, endpoint: stands?.endpoint ?? null };
  }
}

function connectionsOf(lane: Implementation<'iptables'>): { readonly total: number } {
  const found = lane.inspect({ kind: 'connections', from: 0, count: 0 });
  return found.kind === 'connections' ? found : { total: 0 };
}

function callersOf(table: RuleTable, id: number): Pick<ChainView, 'callers' | 'callersTotal'> {
  const callers: Caller[] = [];
  let callersTotal = 0;
  for (const { id: from, name: chain } of table.chains()) {
    const [first, end] = rulesOf(table, from);
    for (let rule = first; rule < end; rule++) {
      if (nextChain(table, rule) !== id) continue;
      callersTotal += 1;
      if (callers.length < CALLERS_LISTED) callers.push({ chain, index: rule - first });
    }
  }
  return { callers, callersTotal };
}

/** Every rule that the trace has, with the chain and table of the stage that it belongs to. */
export function walkedRules({ stages, trace }: PacketReport): WalkedRule[] {
  if (trace?.kind !== 'chain') return [];
  return stages.flatMap(({ kind, part: table, name: chain, firstStep, endStep }) =>
    kind === 'chain' ? Array.from({ length: endStep - firstStep }, (_, step): WalkedRule => ({ table, chain, index: trace.rule[firstStep + step] ?? 0, matched: trace.outcome[firstStep + step] === MATCHED })) : [],
  );
}
