import type { Counter } from '../../datapaths/work.ts';
import type { SummedTerm } from './sum-terms.ts';
import { m } from '../../i18n/paraglide/messages.js';

const COUNTERS: Partial<Readonly<Record<Counter, () => string>>> = {
  rulesEvaluated: m.inspector_count_rules,
  matchesEvaluated: m.inspector_count_matches,
  targetsRun: m.inspector_count_targets,
  tablesEntered: m.inspector_count_tables,
  chainsEntered: m.inspector_count_chains,
  hooksEntered: m.inspector_count_hooks,
  conntrackLookups: m.inspector_count_conntrack_lookups,
  conntrackInserts: m.inspector_count_conntrack_inserts,
  natSetUps: m.inspector_count_nat_set_ups,
  natRewrites: m.inspector_count_nat_rewrites,
  routeLookups: m.inspector_count_routes,
  repliesGenerated: m.inspector_count_replies,
  programRuns: m.inspector_count_programs,
  instructions: m.inspector_count_instructions,
  mapLookups: m.inspector_count_map_lookups,
  mapUpdates: m.inspector_count_map_updates,
  mapDeletes: m.inspector_count_map_deletes,
  elementsCompared: m.inspector_count_elements,
  redirects: m.inspector_count_redirects,
  servicePortsWalked: m.inspector_count_ports_walked,
  chainsHandedOver: m.inspector_count_chains_handed,
  rulesHandedOver: m.inspector_count_rules_handed,
  bytesHandedOver: m.inspector_count_bytes_handed,
  chainsPassed: m.inspector_count_chains_passed,
  chainsAsked: m.inspector_count_chains_asked,
  gracePeriods: m.inspector_count_grace_periods,
  rulesRebuilt: m.inspector_count_rules_rebuilt,
  rulesReplaced: m.inspector_count_rules_replaced,
  bytesCopied: m.inspector_count_bytes_copied,
  entriesWritten: m.inspector_count_entries_written,
  entriesDeleted: m.inspector_count_entries_deleted,
  systemCalls: m.inspector_count_system_calls,
};

/** What a counter counts, in words; a helper's calls by the helper's name. */
export function counterWords(counter: Counter): string {
  if (counter.startsWith('helper:')) return m.inspector_count_helper({ helper: `bpf_${counter.slice('helper:'.length)}` });
  return COUNTERS[counter]?.() ?? counter;
}

const STAGES: Readonly<Record<SummedTerm['stage'], () => string>> = {
  'way-in': m.inspector_cost_way_in,
  'way-out': m.inspector_cost_way_out,
  conntrack: m.inspector_cost_conntrack,
  chain: m.inspector_cost_chain,
  confirm: m.inspector_cost_confirm,
  route: m.inspector_cost_route,
  program: m.inspector_cost_program,
  map: m.inspector_cost_map,
  redirect: m.inspector_cost_redirect,
  answer: m.inspector_cost_answer,
  render: m.inspector_cost_render,
  parse: m.inspector_cost_parse,
  fetch: m.inspector_cost_fetch,
  rebuild: m.inspector_cost_rebuild,
  check: m.inspector_cost_check,
  replace: m.inspector_cost_replace,
  commit: m.inspector_cost_commit,
  write: m.inspector_cost_write,
};

/** What a stage's fixed cost is for. */
export function stageCost(kind: SummedTerm['stage']): string {
  return STAGES[kind]();
}
