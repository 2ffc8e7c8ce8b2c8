/**
 * Everything that a datapath counts while it works. One unit is one event, exactly counted; the cost model is the only
 * place that turns a count into time.
 */
export const COUNTERS = [
  // netfilter, per packet
  'rulesEvaluated', // rules whose fields were compared, matching or not
  'matchesEvaluated', // match modules run (`-m …`), the fixed -s -d -p -i -o compare not among them
  'targetsRun', // targets that changed the packet, its mark or its connection (DNAT, MARK, MASQUERADE…)
  'chainsEntered', // built-in chains begun, and jumps taken
  'tablesEntered', // runs of a table at a hook (ipt_do_table, nft_do_chain), its built-in chain empty or not
  'hooksEntered', // netfilter hooks that had at least one function registered
  'conntrackLookups',
  'conntrackInserts', // entries confirmed into the table
  'natSetUps', // mappings set up for a new connection: by DNAT, SNAT…, or the one that changes nothing (nf_nat_setup_info)
  'natRewrites', // headers rewritten by an existing NAT mapping
  'routeLookups',
  'repliesGenerated', // packets that the datapath itself sent back (REJECT…)
  // eBPF, per packet
  'programRuns',
  'instructions',
  'helperCalls',
  'mapLookups',
  'mapUpdates',
  'mapDeletes',
  'elementsCompared', // keys compared within a hash bucket, summed over look-ups
  'trieNodesWalked',
  'redirects',
  'tailCalls',
  // updates
  'servicePortsWalked', // Service ports that kube-proxy goes through to write its text
  'chainsHandedOver', // chain declarations in the text given to iptables-restore
  'rulesHandedOver', // rule lines in the text given to iptables-restore
  'bytesHandedOver', // bytes of that text
  'chainsPassed', // iptables-nft: names compared as chains find their places in sorted lists
  'chainsAsked', // iptables-nft: chains that the kernel is asked for, one request each
  'rulesRebuilt', // legacy: entries of the tables that iptables-restore lays out anew
  'rulesReplaced', // rules in the table blobs that the kernel took (legacy: all of the table; nft: the changed ones)
  'gracePeriods', // nft: waits until no CPU can still be in the rules that were replaced, so that they can be freed
  'bytesCopied', // legacy: bytes of those blobs; nft: of netlink’s messages; from and to the kernel
  'entriesWritten', // map elements created or changed from user space
  'entriesDeleted',
  'systemCalls',
] as const;

/** A helper call by name, such as `helper:map_lookup_elem`; `helperCalls` is their sum. */
export type HelperCounter = `helper:${string}`;
export type Counter = (typeof COUNTERS)[number] | HelperCounter;

/** A flat record of exact counts; a counter that is absent is 0. */
export type Work = Readonly<Partial<Record<Counter, number>>>;

/** The sum of several records of work. */
export function addWork(...all: readonly Work[]): Work {
  const sum: Partial<Record<Counter, number>> = {};
  for (const work of all) {
    for (const [counter, count] of Object.entries(work) as [Counter, number][]) {
      sum[counter] = (sum[counter] ?? 0) + count;
    }
  }
  return sum;
}
