import type { Dice } from '../dice.ts';
import { SERVICE_PORTS, type Ends } from './ends.ts';
import { RandomMatch } from './random-match.ts';
import { natSide, randomTarget } from './random-target.ts';

const BUILT_IN: Readonly<Record<string, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
};

/** Random tables with chains of their own: the input of iptables-restore. */
export function randomRules(dice: Dice, ends: Ends): string {
  const match = new RandomMatch(dice, ends);
  const tables = Object.keys(BUILT_IN).filter(() => dice.chance(0.6));
  return (tables.length > 0 ? tables : ['filter']).map((table) => randomTable(dice, ends, match, table)).join('');
}

function randomTable(dice: Dice, ends: Ends, match: RandomMatch, table: string): string {
  const builtIn = BUILT_IN[table] ?? [];
  const own = Array.from({ length: dice.between(0, 4) }, (_, index) => `${table === 'nat' ? dice.pick(['d', 's', 'p']) : 'u'}-${index}`);
  // SNAT may stand where MASQUERADE may, not the other way about.
  const fit = (chain: string, chains: readonly string[]) => (table === 'nat' ? chains.filter((other) => natSide(other) === natSide(chain) || (natSide(chain) === 'output' && natSide(other) === 'input')) : chains);
  const rules: string[] = [];
  const add = (chain: string, later: readonly string[], count: number) => {
    for (; count > 0; count--) {
      const target = randomTarget(dice, ends, { table, chain }, later);
      rules.push(`-A ${chain} ${match.rule({ table, chain }, target.needs)} ${target.text}`.replace(/ +/g, ' ').trim());
    }
  };
  own.forEach((chain, index) => { add(chain, fit(chain, own.slice(index + 1)), dice.between(0, 5)); });
  for (const chain of builtIn) add(chain, fit(chain, own), dice.pick([0, 1, 2, 3, 4, 6]));
  const policy = () => ((table === 'filter' || table === 'mangle') && dice.chance(0.06) ? 'DROP' : 'ACCEPT');
  return [`*${table}`, ...builtIn.map((chain) => `:${chain} ${policy()} [0:0]`), ...own.map((chain) => `:${chain} - [0:0]`), ...rules, 'COMMIT', ''].join('\n');
}

/** The sets that random rules name: the input of `ipset restore`. */
export function randomSets(dice: Dice, ends: Ends): string {
  const match = new RandomMatch(dice, ends);
  const networks = new Set(Array.from({ length: 4 }, () => match.cidr()));
  networks.delete('0.0.0.0/0');
  const lines = [
    'create ips hash:ip family inet',
    'create nets hash:net family inet',
    'create ports hash:ip,port family inet',
    ...dice.sample(ends.all, 4).map((address) => `add ips ${address}`),
    ...[...networks].map((network) => `add nets ${network}${dice.chance(0.2) ? ' nomatch' : ''}`),
    ...dice.sample(ends.all, 4).map((address) => `add ports ${address},${dice.pick(['tcp', 'udp', 'sctp'])}:${dice.pick(SERVICE_PORTS)}`),
  ];
  return `${[...new Set(lines)].join('\n')}\n`;
}
