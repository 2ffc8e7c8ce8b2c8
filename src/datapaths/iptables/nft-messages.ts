/*
 * How long netlink's messages are: a header, then attributes, each with a header of four bytes and filled up to a
 * multiple of four; an attribute may hold attributes (struct nlmsghdr, struct nlattr, include/uapi/linux/netlink.h).
 * Which attributes a message of nf_tables holds: include/uapi/linux/netfilter/nf_tables.h, and what libnftnl and the
 * kernel (net/netfilter/nf_tables_api.c) put in; each length here is that of messages caught on their way.
 */

/** struct nlmsghdr. */
const HEADER = 16;
/** struct nlmsghdr and struct nfgenmsg. */
const NF_HEADER = 20;
const U32 = 8;
const U64 = 12;

/** An attribute with so many bytes in it. */
export function attribute(bytes: number): number {
  return 4 + ((bytes + 3) & ~3);
}

/** An attribute with a text in it, its closing zero among the bytes. */
export function textAttribute(text: string): number {
  return attribute(text.length + 1);
}

/** NFT_MSG_GETGEN: which state the ruleset is in. */
export const GET_GENERATION = NF_HEADER;
/** Its answer: number of the state, and who made it so: process and the first 15 letters of its name. */
export const GENERATION = NF_HEADER + U32 + U32 + attribute(16);
/** NFT_MSG_GETTABLE, for all tables. */
export const GET_TABLES = NF_HEADER;
/** NLMSG_DONE: the end of a list. */
export const DONE = HEADER + 4;
/** NFNL_MSG_BATCH_BEGIN with the state that the batch was made for, and NFNL_MSG_BATCH_END. */
export const BATCH = NF_HEADER + U32 + NF_HEADER;
/** NLMSG_ERROR with 0 in it: what was asked for was done; of the request, its header alone is given back. */
export const ACKNOWLEDGEMENT = HEADER + 4 + HEADER;

/** A table in the list: name, how many chains, handle, flags. */
export function tableMessage(table: string): number {
  return NF_HEADER + textAttribute(table) + U32 + U64 + U32;
}

/** NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, and NFT_MSG_DELRULE for all rules of a chain: table and chain. */
export function chainRequest(table: string, chain: string): number {
  return NF_HEADER + textAttribute(table) + textAttribute(chain);
}

/** NFT_MSG_DELCHAIN for a chain that the kernel was asked for: how many used it then goes with it. */
export function chainDeletion(table: string, chain: string): number {
  return chainRequest(table, chain) + U32;
}

/** A chain of kube-proxy's in an answer: handle and how many use it beside its name. */
export function chainMessage(table: string, chain: string): number {
  return chainRequest(table, chain) + U64 + U32;
}

/** A built-in chain in an answer: hook and priority, policy, type and flags too. */
export function baseChainMessage(table: string, chain: string): number {
  const type = table === 'nat' ? 'nat' : 'filter';
  return chainMessage(table, chain) + attribute(U32 + U32) + U32 + textAttribute(type) + U32;
}

/** NLMSG_ERROR with ENOENT in it, and the whole request given back. */
export function refusal(request: number): number {
  return HEADER + 4 + request;
}

/** NFT_MSG_NEWRULE with expressions of that length, and NFTA_RULE_COMPAT (protocol and flags), which iptables always adds. */
export function ruleMessage(table: string, chain: string, expressions: number): number {
  return chainRequest(table, chain) + attribute(expressions) + attribute(U32 + U32);
}

/** An expression by its name, with attributes of that length. */
export function expression(name: string, attributes: number): number {
  return attribute(textAttribute(name) + attribute(attributes));
}

const DATA = attribute(4);
/** Bytes of a packet into a register, whatever their number. */
export const PAYLOAD = expression('payload', 4 * U32);
/** Mark or transport protocol into a register. */
export const META = expression('meta', 2 * U32);
/** A register against up to four bytes. */
export const COMPARE = expression('cmp', 2 * U32 + attribute(DATA));
/** Mask and xor of four bytes in a register. */
export const BITWISE = expression('bitwise', 3 * U32 + 2 * attribute(DATA));
export const COUNTER = expression('counter', 2 * U64);
/** A verdict: ACCEPT, DROP, RETURN. */
export const VERDICT = verdict(0);

/** A jump to a chain. */
export function jump(chain: string): number {
  return verdict(textAttribute(chain));
}

function verdict(chain: number): number {
  return expression('immediate', U32 + attribute(attribute(U32 + chain)));
}

/** A match of iptables’ own modules, handed over with its revision and its struct of that many bytes. */
export function compatMatch(name: string, struct: number): number {
  return expression('match', textAttribute(name) + U32 + attribute(struct));
}

/** A target of iptables’ own modules. */
export function compatTarget(name: string, struct: number): number {
  return expression('target', textAttribute(name) + U32 + attribute(struct));
}
