import { parseIpv4, type Ipv4 } from '../../packet/address.ts';
import { PROTOCOL_NUMBER } from '../../packet/protocol.ts';
import { probabilityOf, type PayloadSink, type RuleProtocol, type SyncPayload } from './kube-proxy/index.ts';
import { compileMatch, onePort, ports } from './netfilter/compile-match.ts';
import type { TableName } from './netfilter/hook.ts';
import { parseRule } from './netfilter/parse/parse-rule.ts';
import { RuleError } from './netfilter/parse/rule-error.ts';
import { readAddress } from './netfilter/parse/values.ts';
import { RestoreError } from './netfilter/restore-error.ts';
import { RuleArena } from './netfilter/rule-arena.ts';
import { FIRST_OBJECT_TARGET, FLAG, MATCH, MATCH_STRIDE, TARGET } from './netfilter/rule-layout.ts';
import { checkTargetTable } from './netfilter/rule-place.ts';
import type { RuleTexts } from './netfilter/rule-texts.ts';
import { RuleTable } from './netfilter/rule-table.ts';
import { randomShare, type AddressMask, type Match, type Range, type Target } from './netfilter/rule.ts';
import { splitWords } from './netfilter/words.ts';

/**
 * Puts a payload's rules into tables as `iptables-restore --noflush` would put its text, without the text: the rules come
 * as they are described, and their texts are made when somebody looks. Throws `RestoreError` where a rule cannot be read;
 * the table at fault then stays as it was. `progress`: 0 to 1, and may throw to stop.
 */
export function putPayload(tables: Map<TableName, RuleTable>, payload: SyncPayload, progress?: (done: number) => void): void {
  const sink = new TableSink(tables, payload);
  try {
    payload.write(sink, progress);
  } catch (error) {
    sink.abandon();
    if (error instanceof RuleError) throw new RestoreError(error, sink.lineNumber);
    throw error;
  }
}

type NatTarget = Extract<Target, { kind: 'nat' }>;

const VERDICTS: ReadonlyMap<string, Target> = new Map<string, Target>([
  ['ACCEPT', { kind: 'accept' }],
  ['DROP', { kind: 'drop' }],
  ['REJECT', { kind: 'reject', with: 'icmp-port-unreachable' }],
]);

const PROTOCOLS = { tcp: PROTOCOL_NUMBER.TCP, udp: PROTOCOL_NUMBER.UDP, sctp: PROTOCOL_NUMBER.SCTP } as const;
/** Of a Service port with two endpoints, in its own chains. */
const RULES_OF_ITS_OWN = 7;
const ANY_PORT = ports(null);
const WHOLE = 0xffffffff;

/** DNAT to one address and port: of a large cluster there are 100,000, so that its parts are made when somebody looks. */
class OnePlace implements NatTarget {
  readonly #address: Ipv4;
  readonly #ports: Range;

  constructor(address: Ipv4, ports: Range) {
    this.#address = address;
    this.#ports = ports;
  }

  get kind(): 'nat' {
    return 'nat';
  }

  get name(): 'DNAT' {
    return 'DNAT';
  }

  get range(): NatTarget['range'] {
    return { addresses: [this.#address, this.#address], ports: this.#ports, randomPorts: false };
  }
}

class TableSink implements PayloadSink {
  readonly #tables: Map<TableName, RuleTable>;
  readonly #payload: SyncPayload;
  /** A rule's numbers are its part of the payload, and its place in there. */
  readonly #texts: RuleTexts;
  #current: RuleTable | null = null;
  #textId = -1;
  #part = 0;
  #place = 0;
  /** The line that is being put, from 1, as the text would have it. */
  lineNumber = 0;

  // The rule that is being described: it is written into the table's arena as it comes.
  #arena = new RuleArena();
  #chain = 0;
  #chainName = '';
  /** Where its words begin. */
  #at = 0;
  /** Which match is its protocol's own. */
  #portsAt = -1;
  #natMayStand = false;

  // What was read last: the same texts come again and again.
  readonly #read: { text: string | null; address: number } = { text: null, address: 0 };
  #readPrefix: { readonly text: string; readonly value: AddressMask } | null = null;
  /** Ranges of one port, by it: 100,000 endpoints have but a few. */
  readonly #ports = new Map<number, Range>();
  /** Of rules that choose among so many endpoints. */
  readonly #shares = new Map<number, Match>();

  constructor(tables: Map<TableName, RuleTable>, payload: SyncPayload) {
    this.#tables = tables;
    this.#payload = payload;
    this.#texts = { length: 0, ruleText: (part, place) => payload.ruleText(part, place) };
  }

  table(name: 'filter' | 'nat'): void {
    this.lineNumber += 1;
    const table = this.#tables.get(name) ?? new RuleTable(name);
    this.#tables.set(name, table);
    this.#current = table;
    // As many as Services of two endpoints have, and the one in KUBE-SERVICES twice, as it is put beside its like; where there
    // are more, the room grows.
    table.begin(name === 'nat' ? 2 * this.#payload.portsWalked + RULES_OF_ITS_OWN * this.#payload.portsWritten : 0, true);
    this.#arena = table.arena;
    this.#chainName = '';
    this.#natMayStand = false;
    this.#textId = table.addText(this.#texts);
  }

  get #table(): RuleTable {
    if (!this.#current) throw new RuleError('rule_outside');
    return this.#current;
  }

  declare(chain: string): void {
    this.lineNumber += 1;
    this.#table.declare(chain, null);
  }

  deleteChain(chain: string): void {
    this.lineNumber += 1;
    this.#table.deleteChain(chain);
  }

  commit(): void {
    this.lineNumber += 1;
    this.#table.commit();
    this.#current = null;
  }

  /** Leaves the table as it was, where a commit was not reached. */
  abandon(): void {
    if (this.#current?.changing) this.#current.abandon();
  }

  part(part: number): void {
    this.#part = part;
    this.#place = 0;
  }

  append(chain: string): void {
    this.lineNumber += 1;
    if (chain !== this.#chainName) this.#chain = this.#table.chainFor(chain);
    this.#chainName = chain;
    this.#at = this.#arena.begin();
    this.#portsAt = -1;
  }

  comment(): void {
    this.#arena.pushMatch(MATCH.comment, 0, 0, 0);
  }

  commentName(): void {
    this.comment();
  }

  protocol(protocol: RuleProtocol): void {
    if (!Object.hasOwn(PROTOCOLS, protocol)) throw new RuleError('no_match', { match: String(protocol) });
    this.#arena.rules[this.#at + 7] = PROTOCOLS[protocol];
    this.#portsAt = this.#arena.matchCount;
    this.#arena.pushMatch(protocol === 'tcp' ? MATCH.tcp : MATCH.ports, ANY_PORT, ANY_PORT, 0);
  }

  source(prefix: string, negated = false): void {
    const { rules } = this.#arena;
    if (negated) rules[this.#at]! |= FLAG.source;
    rules[this.#at + 2] = this.#maskOf(prefix);
    rules[this.#at + 1] = this.#read.address;
  }

  destination(prefix: string): void {
    const { rules } = this.#arena;
    rules[this.#at + 4] = this.#maskOf(prefix);
    rules[this.#at + 3] = this.#read.address;
  }

  /** Reads a prefix, and returns its mask; `#read` then has its address. */
  #maskOf(text: string): number {
    const read = this.#read;
    if (text === read.text) return WHOLE;
    const address = parseIpv4(text);
    if (address !== undefined) {
      read.text = text;
      read.address = address;
      return WHOLE;
    }
    if (text !== this.#readPrefix?.text) this.#readPrefix = { text, value: addressOf(text) };
    const { value } = this.#readPrefix;
    read.text = null;
    read.address = value.address;
    return value.mask;
  }

  destinationPort(port: number): void {
    if (this.#portsAt >= 0) this.#arena.matches[this.#portsAt * MATCH_STRIDE + 2] = onePort(port);
  }

  local(side: 'src' | 'dst'): void {
    const types = { value: ['LOCAL'], negated: false } as const;
    this.#match({ kind: 'addrtype', source: side === 'src' ? types : null, destination: side === 'dst' ? types : null, limit: null });
  }

  remember(list: string): void {
    this.#match({ kind: 'recent', list, action: 'set', side: 'source', seconds: 0, hits: 0, reap: false, ttl: false, mask: 0xffffffff, negated: false });
  }

  remembered(list: string, seconds: number): void {
    this.#match({ kind: 'recent', list, action: 'rcheck', side: 'source', seconds, hits: 0, reap: true, ttl: false, mask: 0xffffffff, negated: false });
  }

  oneIn(left: number): void {
    const share: Match = this.#shares.get(left) ?? { kind: 'random', probability: randomShare(Number(probabilityOf(left))), negated: false };
    this.#shares.set(left, share);
    this.#match(share);
  }

  account(): void {
    this.#match({ kind: 'fixed', module: 'nfacct', matches: true });
  }

  #match(match: Match): void {
    compileMatch(this.#arena, match);
  }

  jump(target: string): void {
    const verdict = VERDICTS.get(target);
    if (verdict) this.#end(verdict);
    else this.#endIn(TARGET.jump, this.#table.jumpTo(target));
  }

  translate(address: string, port: number): void {
    const to = parseIpv4(address);
    if (to === undefined) throw new RuleError('cannot_take', { option: '--to-destination', text: `${address}:${port}` });
    const target = new OnePlace(to, this.#portOnly(port));
    if (!this.#natMayStand) checkTargetTable(this.#table.name, target);
    this.#natMayStand = true;
    this.#endIn(TARGET.nat, this.#arena.object(target));
  }

  #end(target: Target): void {
    checkTargetTable(this.#table.name, target);
    const kind = TARGET[target.kind];
    this.#endIn(kind, kind >= FIRST_OBJECT_TARGET ? this.#arena.object(target) : 0);
  }

  #endIn(kind: number, argument: number): void {
    this.#arena.rules[this.#at + 10] = kind;
    this.#arena.rules[this.#at + 11] = argument;
  }

  #portOnly(port: number): Range {
    let range = this.#ports.get(port);
    if (!range) {
      range = [port, port];
      this.#ports.set(port, range);
    }
    return range;
  }

  end(): void {
    this.#table.addBegun(this.#chain, this.#textId, this.#part, this.#place);
    this.#place += 1;
  }

  line(text: string): void {
    this.lineNumber += 1;
    const words = splitWords(text) ?? [];
    this.#table.add(words[1] ?? '', parseRule(words, 2), this.#textId, this.#part, this.#place, null);
    this.#place += 1;
  }
}

function addressOf(text: string): AddressMask {
  const address = readAddress(text);
  if (!address) throw new RuleError('no_address', { text });
  return address;
}
