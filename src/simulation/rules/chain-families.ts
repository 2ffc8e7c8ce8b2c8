/** A graph of so many chains can still be looked at; more are drawn as families. */
const MOST_CHAINS = 60;

/** Chains that an agent makes one of for each of its objects: kube-proxy, kube-router, Calico, CNI's port maps. */
const KNOWN_FAMILIES = [
  /^KUBE-(?:SVC|SEP|SVL|FW|EXT|XLB)-(?=[A-Z0-9]{16}$)/,
  /^KUBE-(?:NWPLCY|POD-FW|SRC|DST)-(?=[A-Z0-9]{16}$)/,
  /^cali-(?:tw|fw|pi|po|pri|pro|gi|go|th|fh|tha|fha|thfw|fhfw|sm)-(?=.)/,
  /^cali-(?:from|to|set-endpoint)-(?:wl|ep|hep)?-?(?:dispatch|mark)-(?=.)/,
  /^CNI-(?:DN-|SN-)?(?=[0-9a-f]{16,}$)/,
];

const LAST_SEPARATOR = /^.+[-_.:]/;
const FIRST_SEPARATOR = /^.+?[-_.:]/;

/**
 * The family of each chain that is drawn as one: `KUBE-SVC-*` for every name that begins so. None where there are few
 * enough chains; else the families of well-known agents, then whatever shares a beginning up to its last or first
 * separator, the largest first, until few enough are left; and where that makes too many small families, families of
 * these. Built-in chains stay themselves. A chain's name does not tell its family: `a-b-c` may be in `a-*` beside `a-b-*`.
 */
export function chainFamilies(chains: readonly string[], builtIn: ReadonlySet<string>): Map<string, string> {
  const families = new Map<string, string>();
  if (chains.length <= MOST_CHAINS) return families;
  const own = chains.filter((chain) => !builtIn.has(chain));
  const named = new Set<string>();
  let nodes = chains.length;
  const fold = (familyOf: (chain: string) => string | null, until: number) => {
    for (const [family, group] of groupsOf(own, (chain) => (families.has(chain) ? null : familyOf(chain)))) {
      if (nodes <= until || group.length < 2) return;
      for (const chain of group) families.set(chain, family);
      // A family is a node in the place of its chains; one that was there before only takes them in.
      nodes -= named.has(family) ? group.length : group.length - 1;
      named.add(family);
    }
  };
  fold(knownFamily, 0);
  fold((chain) => beginning(LAST_SEPARATOR.exec(chain)?.[0]), MOST_CHAINS);
  fold((chain) => beginning(FIRST_SEPARATOR.exec(chain)?.[0]), MOST_CHAINS);
  fold((chain) => beginning(chain.slice(0, 1)), MOST_CHAINS);
  fold(() => '*', MOST_CHAINS);
  const unknown = own.filter((chain) => knownFamily(chain) === null);
  for (const familyOf of [(chain: string) => beginning(FIRST_SEPARATOR.exec(chain)?.[0]), (chain: string) => beginning(chain.slice(0, 1)), () => '*']) {
    if (nodes <= MOST_CHAINS) break;
    for (const [family, group] of groupsOf(unknown, familyOf)) if (group.length > 1) for (const chain of group) families.set(chain, family);
    nodes = chains.length - families.size + new Set(families.values()).size;
  }
  return families;
}

/** Chains by family, the largest first; those of none left out. */
function groupsOf(chains: readonly string[], familyOf: (chain: string) => string | null): [family: string, chains: string[]][] {
  const groups = new Map<string, string[]>();
  for (const chain of chains) {
    const family = familyOf(chain);
    if (family === null) continue;
    const group = groups.get(family);
    if (group) group.push(chain);
    else groups.set(family, [chain]);
  }
  return [...groups].sort((a, b) => b[1].length - a[1].length);
}

function knownFamily(chain: string): string | null {
  return KNOWN_FAMILIES.reduce<string | null>((found, pattern) => found ?? beginning(pattern.exec(chain)?.[0]), null);
}

function beginning(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : `${text}*`;
}
