/** `KUBE-SEP-PULK…`: the hash of a chain's name shortened, so that the rule beside it has room. */
export function shortChain(chain: string): string {
  return chain.replace(/^(KUBE-(?:SVC|SVL|EXT|FW|SEP)-.{4}).+$/, '$1…');
}

/** The same for every chain that a rule's text names. */
export function shortRule(text: string): string {
  return text.replace(/(KUBE-(?:SVC|SVL|EXT|FW|SEP)-[A-Z2-7]{4})[A-Z2-7]+/g, '$1…');
}
