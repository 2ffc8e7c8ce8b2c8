export { DEFAULT_CONFIG, type ProxyConfig } from './config.ts';
export type { SyncPayload, TableCounts } from './payload.ts';
export { Proxier } from './proxier.ts';
export type { ServicePort } from './service-ports.ts';
export { isServiceChain } from './names.ts';
export { standingRules } from './standing-rules.ts';
