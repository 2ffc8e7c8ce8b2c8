import { parseIpv4 } from '../../packet/address.ts';
import { PROTOCOL_NUMBER } from '../../packet/protocol.ts';
import { probabilityOf, type PayloadSink, type RuleProtocol, type SyncPayload } from './kube-proxy/index.ts';
import type { TableName } from './netfilter/hook.ts';
import { parseRule } from './netfilter/parse/parse-rule.ts';
import { RuleError } from './netfilter/parse/rule-error.ts';
import { readAddress } from './netfilter/parse/values.ts';
import { RestoreError } from './netfilter/restore-error.ts';
import type { RuleTexts } from './netfilter/rule-texts.ts';
import { RuleTable } from './netfilter/rule-table.ts';
import { randomShare, type AddressMask, type Match, type Negatable, type Range, type Rule, type Target } from './netfilter/rule.ts';
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

const COMMENT: Match = { kind: 'comment' };
const NO_TARGET: Target = { kind: 'none' };
const VERDICTS: Readonly<Partial<Record<string, Target>>> = {
  ACCEPT: { kind: 'accept' },
  DROP: { kind: 'drop' },
  REJECT: { kind: 'reject', with: 'icmp-port-unreachable' },
};

function said<T>(value: T, negated = false): Negatable<T> {
  return { value, negated };
}

const PROTOCOLS = { tcp: said(PROTOCOL_NUMBER.TCP), udp: said(PROTOCOL_NUMBER.UDP), sctp: said(PROTOCOL_NUMBER.SCTP) } as const;

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

  // The rule that is being described.
  #chain = '';
  #source: Rule['source'] = null;
  #destination: Rule['destination'] = null;
  #protocol: RuleProtocol | null = null;
  #matches: Match[] = [];
  /** Where the protocol's own match stands among them. */
  #portsAt = 0;
  #target: Target = NO_TARGET;

  /** Ranges of one port, by it: 100,000 endpoints have but a few. */
  readonly #ports = new Map<number, Range>();

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
    table.begin(this.#payload[name].rules);
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
    this.#chain = chain;
    this.#source = null;
    this.#destination = null;
    this.#protocol = null;
    this.#matches = [];
    this.#target = NO_TARGET;
  }

  comment(): void {
    this.#matches.push(COMMENT);
  }

  commentName(): void {
    this.#matches.push(COMMENT);
  }

  protocol(protocol: RuleProtocol): void {
    if (!Object.hasOwn(PROTOCOLS, protocol)) throw new RuleError('no_match', { match: String(protocol) });
    this.#protocol = protocol;
    this.#portsAt = this.#matches.push(portMatch(protocol, null)) - 1;
  }

  source(prefix: string, negated = false): void {
    this.#source = said(addressOf(prefix), negated);
  }

  destination(prefix: string): void {
    this.#destination = said(addressOf(prefix));
  }

  destinationPort(port: number): void {
    if (this.#protocol) this.#matches[this.#portsAt] = portMatch(this.#protocol, this.#portOnly(port));
  }

  local(side: 'src' | 'dst'): void {
    const types = said(['LOCAL']);
    this.#matches.push({ kind: 'addrtype', source: side === 'src' ? types : null, destination: side === 'dst' ? types : null, limit: null });
  }

  remember(list: string): void {
    this.#matches.push({ kind: 'recent', list, action: 'set', side: 'source', seconds: 0, hits: 0, reap: false, ttl: false, mask: 0xffffffff, negated: false });
  }

  remembered(list: string, seconds: number): void {
    this.#matches.push({ kind: 'recent', list, action: 'rcheck', side: 'source', seconds, hits: 0, reap: true, ttl: false, mask: 0xffffffff, negated: false });
  }

  oneIn(left: number): void {
    this.#matches.push({ kind: 'random', probability: randomShare(Number(probabilityOf(left))), negated: false });
  }

  account(): void {
    this.#matches.push({ kind: 'fixed', module: 'nfacct', matches: true });
  }

  jump(target: string): void {
    this.#target = VERDICTS[target] ?? { kind: 'jump', chain: target };
  }

  translate(address: string, port: number): void {
    const to = parseIpv4(address);
    if (to === undefined) throw new RuleError('cannot_take', { option: '--to-destination', text: `${address}:${port}` });
    this.#target = { kind: 'nat', name: 'DNAT', range: { addresses: [to, to], ports: this.#portOnly(port), randomPorts: false } };
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
    this.#add(this.#chain, {
      source: this.#source,
      destination: this.#destination,
      inInterface: null,
      outInterface: null,
      protocol: this.#protocol && PROTOCOLS[this.#protocol],
      fragment: false,
      matches: this.#matches,
      target: this.#target,
      notes: [],
    });
  }

  line(text: string): void {
    this.lineNumber += 1;
    const words = splitWords(text) ?? [];
    this.#add(words[1] ?? '', parseRule(words, 2));
  }

  #add(chain: string, rule: Rule): void {
    this.#table.add(chain, rule, this.#textId, this.#part, this.#place, null);
    this.#place += 1;
  }
}

function addressOf(text: string): AddressMask {
  const address = readAddress(text);
  if (!address) throw new RuleError('no_address', { text });
  return address;
}

function portMatch(protocol: RuleProtocol, destination: Range | null): Match {
  const ports = destination && said(destination);
  return protocol === 'tcp' ? { kind: 'tcp', source: null, destination: ports, flags: null } : { kind: protocol, source: null, destination: ports, chunks: null };
}
