import { recogniseChains, type KnownChain, type RuleTable, type TableName } from '../../datapaths/iptables/index.ts';
import { chainFamilies } from './chain-families.ts';

/** What is found out about the chains of each table, once: it changes only with the rules. */
export class ChainNames {
  readonly #tables: ReadonlyMap<TableName, RuleTable>;
  readonly #known = new Map<RuleTable, ReadonlyMap<string, KnownChain>>();
  readonly #families = new Map<RuleTable, ReadonlyMap<string, string>>();

  constructor({ tables }: { readonly tables: ReadonlyMap<TableName, RuleTable> }) {
    this.#tables = tables;
  }

  get tables(): ReadonlyMap<TableName, RuleTable> {
    return this.#tables;
  }

  known(table: RuleTable): ReadonlyMap<string, KnownChain> {
    const found = this.#known.get(table) ?? recogniseChains(table);
    this.#known.set(table, found);
    return found;
  }

  /** The family that each chain is drawn in; a chain that is drawn as itself is not among them. */
  families(table: RuleTable): ReadonlyMap<string, string> {
    const found = this.#families.get(table) ?? chainFamilies([...table.chains()].map(({ name }) => name), new Set([...table.policies.keys()].map((id) => table.chainName(id))));
    this.#families.set(table, found);
    return found;
  }

  /** The name of the graph's node that a chain stands in: its own or its family's. */
  node(table: RuleTable, chain: string): string {
    return this.families(table).get(chain) ?? chain;
  }
}
