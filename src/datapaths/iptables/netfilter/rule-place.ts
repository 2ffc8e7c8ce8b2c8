import type { Hook, TableName } from './hook.ts';
import { RuleError } from './parse/rule-error.ts';
import type { RuleArena } from './rule-arena.ts';
import { STRIDE, TARGET } from './rule-layout.ts';
import type { Rule, Target } from './rule.ts';

/*
 * Where rules may stand: what iptables refuses as it reads them, and the kernel where a table is put in force.
 */

/** Where NAT targets may stand: the chain must be reached from these hooks only. */
const NAT_HOOKS: Readonly<Partial<Record<string, readonly Hook[]>>> = {
  DNAT: ['PREROUTING', 'OUTPUT'],
  REDIRECT: ['PREROUTING', 'OUTPUT'],
  SNAT: ['INPUT', 'POSTROUTING'],
  MASQUERADE: ['POSTROUTING'],
};

/** Targets of `continue` that belong to one table. */
const CONTINUE_TABLE: Readonly<Partial<Record<string, TableName>>> = { CHECKSUM: 'mangle', CLASSIFY: 'mangle', TCPOPTSTRIP: 'mangle', ECN: 'mangle', HMARK: 'mangle', TRACE: 'raw' };

const LONGEST_NAME = 28;
const VERDICTS = new Set(['ACCEPT', 'DROP', 'QUEUE', 'RETURN']);

export function checkChainName(chain: string): void {
  if (chain.length > LONGEST_NAME) throw new RuleError('chain_name_long', { chain });
  if (VERDICTS.has(chain)) throw new RuleError('chain_name_taken', { chain });
}

/** iptables refuses an interface that no packet has at a hook. */
export function checkInterfaces(chain: string, { inInterface, outInterface }: Rule): void {
  if (outInterface && (chain === 'PREROUTING' || chain === 'INPUT')) throw new RuleError('output_unrouted', { chain });
  if (inInterface && (chain === 'OUTPUT' || chain === 'POSTROUTING')) throw new RuleError('input_nowhere', { chain });
}

/** Throws where a target does not belong to the table. */
export function checkTargetTable(table: TableName, target: Target): void {
  const owner = tableOf(target);
  if (owner && owner.table !== table) throw new RuleError('wrong_table', { target: owner.name, owner: owner.table, table });
  // iptables-restore takes it only by force: nat is no place to filter, as it sees a connection's first packet only.
  if (target.kind === 'drop' && table === 'nat') throw new RuleError('nat_drop');
}

function tableOf(target: Target): { readonly table: TableName; readonly name: string } | null {
  switch (target.kind) {
    case 'nat':
      return { table: 'nat', name: target.name };
    case 'reject':
      return { table: 'filter', name: 'REJECT' };
    case 'notrack':
      return { table: 'raw', name: 'CT --notrack' };
    case 'zone':
      return { table: 'raw', name: 'CT' };
    case 'ttl':
    case 'tos':
    case 'tcpmss':
      return { table: 'mangle', name: target.kind.toUpperCase() };
    case 'continue': {
      const table = CONTINUE_TABLE[target.name];
      return table ? { table, name: target.name } : null;
    }
    default:
      return null;
  }
}

interface NatChains {
  readonly arena: RuleArena;
  readonly chains: Iterable<{ readonly id: number; readonly name: string }>;
  runOf(chain: number): { readonly start: number; readonly length: number };
  /** The hooks that lead to a chain. */
  leadTo(chain: number): readonly string[];
}

/** Throws where a NAT target stands in a chain that a hook leads to where it is not allowed. */
export function checkNatHooks({ arena: { rules, objects }, chains, runOf, leadTo }: NatChains): void {
  for (const { id, name } of chains) {
    const { start, length } = runOf(id);
    for (let rule = start; rule < start + length; rule++) {
      if (rules[rule * STRIDE + 10] !== TARGET.nat) continue;
      const target = objects[rules[rule * STRIDE + 11] ?? 0];
      if (target?.kind !== 'nat') continue;
      const allowed: readonly string[] | undefined = NAT_HOOKS[target.name];
      const wrong = allowed && leadTo(id).find((hook) => !allowed.includes(hook));
      if (wrong !== undefined) throw new RuleError('wrong_hook', { target: target.name, chain: name, hook: wrong });
    }
  }
}
