export { IptablesDatapath } from './iptables-datapath.ts';
export { kubeProxyRules } from './kube-proxy-rules.ts';
export { CountersKept } from './counters-kept.ts';
export { objectsOfRules, RULES_NODE, type RulesObjects } from './objects-of-rules.ts';
export { recogniseChains, type KnownChain } from './recognise-chains.ts';
export { isGoto, nextChain, rulesOf } from './rule-facts.ts';
export type { TableName } from './netfilter/hook.ts';
export { readDump, type Dump, type DumpNote, type LeftOut } from './netfilter/read-dump.ts';
export type { RuleTable } from './netfilter/rule-table.ts';
