import type { Work } from '../work.ts';
import { BUILT_IN, isTableName, type TableName } from './netfilter/hook.ts';
import type { RuleTable } from './netfilter/rule-table.ts';
import { ACKNOWLEDGEMENT, baseChainMessage, BATCH, chainDeletion, chainMessage, chainRequest, DONE, GENERATION, GET_GENERATION, GET_TABLES, refusal, ruleMessage, tableMessage } from './nft-messages.ts';
import type { PayloadTable } from './nft-payload.ts';
import { expressionBytes } from './nft-rule-bytes.ts';

/** What passes between iptables-nft-restore and the kernel over netlink. */
export interface NftTraffic {
  /** Calls of sendto: one request each. */
  readonly requests: number;
  readonly requestBytes: number;
  /** Calls of recvmsg: one answer each. */
  readonly answers: number;
  readonly answerBytes: number;
  /** Calls of sendmsg: one batch each. */
  readonly batches: number;
  readonly batchBytes: number;
}

const NONE: NftTraffic = { requests: 0, requestBytes: 0, answers: 0, answerBytes: 0, batches: 0, batchBytes: 0 };

type Tables = ReadonlyMap<TableName, RuleTable>;

/**
 * What iptables-nft-restore 1.8.9 asks, and what the kernel answers, before each table's batch (__nft_build_cache,
 * iptables/nft-cache.c): the ruleset's state, all tables, each chain that the payload names and each built-in one, and
 * the state again. A chain that stands is an answer and an acknowledgement; one that does not is an error. `tables` as
 * they are before the payload; a built-in chain stands in the kernel once a rule was put into it (nft_xt_builtin_init).
 *
 * Left out, as for the legacy tables: opening the socket, and the questions for the extensions' revisions.
 */
export function nftFetch(payload: readonly PayloadTable[], tables: Tables): NftTraffic {
  let [requests, requestBytes, answers, answerBytes] = [0, 0, 0, 0];
  const ask = (request: number, ...own: readonly number[]) => {
    requests += 1;
    requestBytes += request;
    answers += own.length;
    for (const bytes of own) answerBytes += bytes;
  };
  let list = 0;
  for (const name of tables.keys()) list += tableMessage(name);
  for (const { table, asked, existing } of payload) {
    ask(GET_GENERATION, GENERATION);
    ask(GET_TABLES, list, DONE);
    const own = isTableName(table) ? tables.get(table) : undefined;
    for (const hook of isTableName(table) ? BUILT_IN[table] : []) {
      const request = chainRequest(table, hook);
      if (own && (own.length[own.chainId(hook) ?? -1] ?? 0) > 0) ask(request, baseChainMessage(table, hook), ACKNOWLEDGEMENT);
      else ask(request, refusal(request));
    }
    for (const chain of asked) {
      const request = chainRequest(table, chain);
      if (existing.has(chain)) ask(request, chainMessage(table, chain), ACKNOWLEDGEMENT);
      else ask(request, refusal(request));
    }
    ask(GET_GENERATION, GENERATION);
  }
  return { ...NONE, requests, requestBytes, answers, answerBytes };
}

/**
 * The batches: in each, the declared chains emptied or made, all their rules, and the chains that go. One sendmsg a
 * table, and no answer unless something is refused (mnl_batch_talk, iptables/nft.c). `tables` as they are afterwards:
 * the declared chains then hold what the payload put into them, since kube-proxy adds to no other chain.
 */
export function nftCommit(payload: readonly PayloadTable[], tables: Tables): NftTraffic {
  let batchBytes = 0;
  for (const { table: name, declared, deleted } of payload) {
    batchBytes += BATCH;
    const table = isTableName(name) ? tables.get(name) : undefined;
    for (const chain of declared) {
      batchBytes += chainRequest(name, chain);
      const id = table?.chainId(chain);
      if (!table || id === undefined) continue;
      const start = table.start[id] ?? 0;
      const end = start + (table.length[id] ?? 0);
      for (let rule = start; rule < end; rule++) batchBytes += ruleMessage(name, chain, expressionBytes(table, rule));
    }
    for (const chain of deleted) batchBytes += chainDeletion(name, chain);
  }
  return { ...NONE, batches: payload.length, batchBytes };
}

/** Bytes copied either way, and calls. */
export function trafficWork({ requests, requestBytes, answers, answerBytes, batches, batchBytes }: NftTraffic): Work {
  return { bytesCopied: requestBytes + answerBytes + batchBytes, systemCalls: requests + answers + batches };
}
