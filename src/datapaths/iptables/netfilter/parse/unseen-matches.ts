import type { NoteEffect } from '../rule.ts';
import type { MatchReader } from './match-reader.ts';
import type { RuleWords } from './rule-words.ts';

/**
 * Matches that ask for what no simulated packet has: a socket, a bridge, a payload… They are read and kept, and answer as
 * Linux does where it finds nothing to compare: with yes only where every question was negated.
 */
interface Unseen {
  /** Its options, each with how many words it takes; `?`: not negatable, and no question of its own. */
  readonly options: Readonly<Record<string, number | '?0' | '?1'>>;
  readonly why: Lacking;
  /** An answer other than the rule above. */
  readonly answer?: (values: ReadonlyMap<string, string>) => boolean;
}

type Lacking = 'no-socket' | 'no-bridge' | 'no-ethernet' | 'no-payload' | 'no-ipsec' | 'no-helper' | 'no-accounting' | 'not-simulated';

const never = () => false;

export const UNSEEN: Readonly<Record<string, Unseen>> = {
  owner: { why: 'no-socket', options: { '--uid-owner': 1, '--gid-owner': 1, '--socket-exists': 0, '--suppl-groups': '?0' } },
  socket: { why: 'no-socket', options: { '--transparent': '?0', '--nowildcard': '?0', '--restore-skmark': '?0' }, answer: never },
  cgroup: { why: 'no-socket', options: { '--cgroup': 1, '--path': 1 }, answer: never },
  physdev: { why: 'no-bridge', options: { '--physdev-in': 1, '--physdev-out': 1, '--physdev-is-in': 0, '--physdev-is-out': 0, '--physdev-is-bridged': 0 } },
  mac: { why: 'no-ethernet', options: { '--mac-source': 1 } },
  string: { why: 'no-payload', options: { '--string': 1, '--hex-string': 1, '--algo': '?1', '--from': '?1', '--to': '?1', '--icase': '?0' } },
  u32: { why: 'no-payload', options: { '--u32': 1 } },
  bpf: { why: 'no-payload', options: { '--bytecode': 1, '--object-pinned': '?1' } },
  policy: {
    why: 'no-ipsec',
    options: { '--dir': '?1', '--pol': '?1', '--strict': '?0', '--reqid': 1, '--spi': 1, '--proto': 1, '--mode': 1, '--tunnel-src': 1, '--tunnel-dst': 1, '--next': '?0' },
    answer: (values) => values.get('--pol') === 'none',
  },
  helper: { why: 'no-helper', options: { '--helper': 1 } },
  connbytes: { why: 'no-accounting', options: { '--connbytes': 1, '--connbytes-dir': '?1', '--connbytes-mode': '?1' }, answer: never },
  connlabel: { why: 'not-simulated', options: { '--label': 1, '--set': '?0' } },
  realm: { why: 'not-simulated', options: { '--realm': 1 } },
  cpu: { why: 'not-simulated', options: { '--cpu': 1 } },
  devgroup: { why: 'not-simulated', options: { '--src-group': 1, '--dst-group': 1 } },
  cluster: {
    why: 'not-simulated',
    options: { '--cluster-total-nodes': '?1', '--cluster-local-node': 1, '--cluster-local-nodemask': 1, '--cluster-hash-seed': '?1' },
  },
  ecn: { why: 'not-simulated', options: { '--ecn-tcp-cwr': 0, '--ecn-tcp-ece': 0, '--ecn-ip-ect': 1 } },
  osf: { why: 'not-simulated', options: { '--genre': 1, '--ttl': '?1', '--log': '?1' }, answer: never },
  // Of modules that are not the kernel's own, which dumps of routers and phones hold.
  condition: { why: 'not-simulated', options: { '--condition': 1 } },
  geoip: { why: 'not-simulated', options: { '--src-cc': 1, '--dst-cc': 1, '--source-country': 1, '--destination-country': 1 } },
  id: { why: 'not-simulated', options: { '--id': '?1' }, answer: () => true },
  layer7: { why: 'no-payload', options: { '--l7dir': '?1', '--l7proto': 1, '--l7pkt': '?0' } },
  quota2: { why: 'not-simulated', options: { '--quota': 1, '--name': '?1', '--grow': '?0', '--no-change': '?0', '--packets': '?0' } },
  ipvs: {
    why: 'not-simulated',
    options: { '--ipvs': 0, '--vproto': 1, '--vaddr': 1, '--vport': 1, '--vdir': '?1', '--vmethod': 1, '--vportctl': 1 },
  },
};

/** Protocols whose packets are not modelled: a rule for one never meets any. */
export const UNMODELLED = new Set(['ah', 'dccp', 'esp', 'ipcomp', 'udplite']);

/** Reads one of `UNSEEN`. */
export function unseen(name: string): MatchReader {
  const module = UNSEEN[name];
  const values = new Map<string, string>();
  let asked = 0;
  let negated = 0;
  return {
    option(option: string, words: RuleWords) {
      const takes = module && Object.hasOwn(module.options, option) ? module.options[option] : undefined;
      if (takes === undefined) return false;
      if (typeof takes === 'string') {
        words.mustNotNegate(option);
        values.set(option, takes === '?1' ? words.take('ends_value', option) : '');
        return true;
      }
      asked += 1;
      const read = takes === 0 ? { value: '', negated: words.flag() } : words.value(option, (text) => text);
      values.set(option, read.value);
      if (read.negated) negated += 1;
      return true;
    },
    finish() {
      const matches = module?.answer ? module.answer(values) : asked > 0 && asked === negated;
      const effect = `${matches ? 'always' : 'never'}-${module?.why ?? 'not-simulated'}` satisfies string as NoteEffect;
      return { match: { kind: 'fixed', module: name, matches }, note: { module: name, effect } };
    },
  };
}

/** Reads -m esp, ah, ipcomp, dccp, udplite: whatever its options. */
export function unmodelled(name: string): MatchReader {
  return {
    option(option: string, words: RuleWords) {
      if (!/^--(sport|dport|source-port|destination-port|(esp|ah|ipcomp)spi|ahlen|ahres|compres|dccp-(types|option))$/.test(option)) return false;
      if (option === '--ahres' || option === '--compres') words.flag();
      else words.value(option, (text) => text);
      return true;
    },
    finish: () => ({ match: { kind: 'fixed', module: name, matches: false }, note: { module: name, effect: 'never-no-protocol' } }),
  };
}

/** -m nfacct counts and always answers yes. */
export function nfacct(): MatchReader {
  return {
    option(option: string, words: RuleWords) {
      if (option !== '--nfacct-name') return false;
      words.plain(option, (text) => text);
      return true;
    },
    finish: () => ({ match: { kind: 'fixed', module: 'nfacct', matches: true } }),
  };
}
