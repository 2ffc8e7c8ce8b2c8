export { DEFAULT_CONFIG, type ProxyConfig } from './config.ts';
export { SyncPayload, type TableCounts } from './payload.ts';
export { Proxier } from './proxier.ts';
export { probabilityOf, type PayloadSink, type RuleProtocol } from './rule-sink.ts';
export type { ServicePort } from './service-ports.ts';
export { isServiceChain } from './names.ts';
export { standingRules } from './standing-rules.ts';
