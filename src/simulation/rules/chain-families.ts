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

/**
 * The family of each chain that is drawn as one: `KUBE-SVC-*` for every name that begins so. None where there are few
 * enough chains; else the families of well-known agents, then whatever shares a beginning up to its last or first
 * separator, the largest first, until few enough are left. Built-in chains stay themselves.
 */
export function chainFamilies(chains: readonly string[], builtIn: ReadonlySet<string>): Map<string, string> {
  const families = new Map<string, string>();
  if (chains.length <= MOST_CHAINS) return families;
  const own = chains.filter((chain) => !builtIn.has(chain));
  const nodes = () => chains.length - families.size + new Set(families.values()).size;
  const fold = (familyOf: (chain: string) => string | null, until: number) => {
    const groups = new Map<string, string[]>();
    for (const chain of own) {
      const family = families.has(chain) ? null : familyOf(chain);
      if (family === null) continue;
      const group = groups.get(family);
      if (group) group.push(chain);
      else groups.set(family, [chain]);
    }
    for (const [family, group] of [...groups].sort((a, b) => b[1].length - a[1].length)) {
      if (nodes() <= until) return;
      if (group.length < 2) return;
      for (const chain of group) families.set(chain, family);
    }
  };
  fold((chain) => KNOWN_FAMILIES.reduce<string | null>((found, pattern) => found ?? beginning(pattern.exec(chain)?.[0]), null), 0);
  fold((chain) => beginning(/^.+[-_.:]/.exec(chain)?.[0]), MOST_CHAINS);
  fold((chain) => beginning(/^.+?[-_.:]/.exec(chain)?.[0]), MOST_CHAINS);
  fold((chain) => beginning(chain.slice(0, 1)), MOST_CHAINS);
  fold(() => '*', MOST_CHAINS);
  return families;
}

function beginning(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : `${text}*`;
}
