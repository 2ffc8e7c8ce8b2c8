import type { RuleOutcome } from '../../trace.ts';
import type { Hook } from './hook.ts';
import { matchesPacket } from './match-packet.ts';
import { actOn } from './act-on.ts';
import type { PacketLog } from './packet-log.ts';
import type { RuleTable } from './rule-table.ts';
import { FLAG, STRIDE, TARGET } from './rule-layout.ts';
import type { Target } from './rule.ts';
import { fitting, nextFitting } from './scan.ts';
import type { Skb } from './skb.ts';
import type { WalkContext } from './walk-context.ts';

export type WalkVerdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop'; readonly by: string }
  | { readonly kind: 'reject'; readonly by: string; readonly target: Target & { kind: 'reject' } }
  | { readonly kind: 'nat'; readonly target: Target & { kind: 'nat' } };

const ACCEPT: WalkVerdict = { kind: 'accept' };

/**
 * ipt_do_table (net/ipv4/netfilter/ip_tables.c): rule after rule from a hook's built-in chain, until one settles the
 * packet. A rule's addresses, interfaces and protocol are compared first, and its matches in written order then.
 * NAT and REJECT are handed back to the hook; the other targets act here.
 */
export function walk(table: RuleTable, hook: Hook, skb: Skb, context: WalkContext, log: PacketLog): WalkVerdict {
  const root = table.chainId(hook);
  if (root === undefined) return ACCEPT;
  const { arena } = table;
  const { rules, interfaces } = arena;
  const steps = log.tracesSteps;
  const fitsIn = fitting(interfaces, skb.inInterface);
  const fitsOut = fitting(interfaces, skb.outInterface);
  const back: number[] = [];
  let chain = root;
  let first = table.start[root] ?? 0;
  let rule = first;
  let end = first + (table.length[root] ?? 0);
  let evaluated = 0;

  log.begin('chain', hook, hook, table.name);
  log.count('tablesEntered', 1);
  log.count('chainsEntered', 1);
  const enter = (id: number, from: number) => {
    log.count('rulesEvaluated', evaluated);
    evaluated = 0;
    chain = id;
    first = table.start[id] ?? 0;
    rule = from < 0 ? first : from;
    end = first + (table.length[id] ?? 0);
    log.begin('chain', table.chainName(id), hook, table.name);
  };
  const here = (index: number) => `${table.name}:${table.chainName(chain)}:${index}`;

  for (;;) {
    const fits = nextFitting(rules, rule, end, skb.source, skb.destination, skb.protocol, fitsIn, fitsOut);
    if (steps) for (let passed = rule; passed < fits; passed++) log.step(passed - first, whyNot(rules, passed * STRIDE, skb, fitsIn, fitsOut), 255);
    evaluated += fits - rule;
    rule = fits;
    if (rule === end) {
      const saved = back.pop();
      if (saved === undefined) return policy(table, root, hook, skb, log, evaluated);
      enter(back.pop() ?? root, saved);
      continue;
    }
    evaluated += 1;
    const at = rule * STRIDE;
    const count = rules[at + 9] ?? 0;
    if (count > 0) {
      let run = 0;
      while (run < count && matchesPacket(arena, (rules[at + 8] ?? 0) + run, skb, context)) run += 1;
      log.count('matchesEvaluated', run < count ? run + 1 : count);
      if (run < count) {
        if (steps) log.step(rule - first, 'match', run);
        rule += 1;
        continue;
      }
    }
    const index = rule - first;
    if (steps) log.step(index, 'matched', 255);
    arena.packets[rule] = (arena.packets[rule] ?? 0) + 1;
    arena.bytes[rule] = (arena.bytes[rule] ?? 0) + skb.length;
    log.hits?.push(here(index));
    const argument = rules[at + 11] ?? 0;
    rule += 1;
    switch (rules[at + 10]) {
      case TARGET.none:
        break;
      case TARGET.accept:
        log.count('rulesEvaluated', evaluated);
        return ACCEPT;
      case TARGET.drop:
        log.count('rulesEvaluated', evaluated);
        return { kind: 'drop', by: here(index) };
      case TARGET.return:
        // In a built-in chain it goes to the policy, wherever a goto came from.
        rule = end;
        break;
      case TARGET.jump:
        back.push(chain, rule);
        enter(argument, -1);
        log.count('chainsEntered', 1);
        break;
      case TARGET.goto:
        enter(argument, -1);
        log.count('chainsEntered', 1);
        break;
      case TARGET.notrack:
        log.count('targetsRun', 1);
        if (skb.connection === null && skb.template === null && !skb.attached) skb.info = 'untracked';
        break;
      default: {
        log.count('targetsRun', 1);
        const target = arena.objects[argument] as Target | undefined;
        const verdict = target ? settle(target, here, index) : null;
        if (verdict) {
          log.count('rulesEvaluated', evaluated);
          return verdict;
        }
        if (target) actOn(target, skb, context);
      }
    }
  }
}

/** The verdict of a target that ends the walk; null for the others. */
function settle(target: Target, here: (index: number) => string, index: number): WalkVerdict | null {
  switch (target.kind) {
    case 'nat':
      return { kind: 'nat', target };
    case 'reject':
      return { kind: 'reject', by: here(index), target };
    case 'unheard':
      return target.bypass ? ACCEPT : { kind: 'drop', by: here(index) };
    default:
      return null;
  }
}

/** Which of a rule's fields does not fit, in ip_packet_match's order. */
function whyNot(rules: Int32Array, at: number, skb: Skb, fitsIn: Uint8Array, fitsOut: Uint8Array): RuleOutcome {
  const flags = rules[at] ?? 0;
  if (((skb.source & (rules[at + 2] ?? 0)) ^ (rules[at + 1] ?? 0)) !== 0 !== ((flags & FLAG.source) !== 0)) return 'source';
  if (((skb.destination & (rules[at + 4] ?? 0)) ^ (rules[at + 3] ?? 0)) !== 0 !== ((flags & FLAG.destination) !== 0)) return 'destination';
  if ((fitsIn[rules[at + 5] ?? 0] === 0) !== ((flags & FLAG.in) !== 0)) return 'in-interface';
  if ((fitsOut[rules[at + 6] ?? 0] === 0) !== ((flags & FLAG.out) !== 0)) return 'out-interface';
  // A rule for fragments is told apart where the protocol is.
  return 'protocol';
}

function policy(table: RuleTable, root: number, hook: Hook, skb: Skb, log: PacketLog, evaluated: number): WalkVerdict {
  log.count('rulesEvaluated', evaluated);
  table.policyPackets.set(root, (table.policyPackets.get(root) ?? 0) + 1);
  table.policyBytes.set(root, (table.policyBytes.get(root) ?? 0) + skb.length);
  log.hits?.push(`${table.name}:${hook}:policy`);
  return table.policies.get(root) === 'DROP' ? { kind: 'drop', by: `${table.name}:${hook}:policy` } : ACCEPT;
}
