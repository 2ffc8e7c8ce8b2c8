/** Names of the datapaths; `registry.ts` lists their implementations. */
export type DatapathId = 'iptables' | 'ebpf';
