import type { Match, Rule, RuleNote, Target } from '../rule.ts';
import * as connection from './connection-matches.ts';
import { hashlimit } from './hashlimit-match.ts';
import * as lists from './list-matches.ts';
import type { MatchReader } from './match-reader.ts';
import * as packet from './packet-matches.ts';
import * as ports from './port-matches.ts';
import { RuleError } from './rule-error.ts';
import { RuleWords } from './rule-words.ts';
import { spellOut } from './spell-out.ts';
import { readTarget } from './targets.ts';
import { nfacct, unmodelled, UNMODELLED, UNSEEN, unseen } from './unseen-matches.ts';
import { readAddress, readInterface, readProtocol } from './values.ts';

const MODULES: Readonly<Record<string, () => MatchReader>> = {
  addrtype: lists.addrtype, comment: () => new packet.CommentReader(), connlimit: connection.connlimit, connmark: connection.connmark, conntrack: connection.conntrack, dscp: packet.dscp,
  hashlimit, icmp: ports.icmp, iprange: packet.iprange, length: packet.length, limit: packet.limit, mark: connection.mark, multiport: ports.multiport, nfacct,
  pkttype: packet.pkttype, quota: packet.quota, recent: lists.recent, rpfilter: packet.rpfilter, sctp: () => new ports.SctpReader(), set: lists.set, state: connection.state, statistic: () => new lists.StatisticReader(),
  tcpmss: packet.tcpmss, tcp: () => new ports.TcpReader(), time: packet.time, tos: packet.tos, ttl: packet.ttl, udp: () => new ports.UdpReader(),
};

/** Reads a rule's options, from `words[from]` on. Throws `RuleError`. */
export function parseRule(words: readonly string[], from = 0): Rule {
  try {
    return parse(words, from);
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    // Nearly all rules are written out in full: only where that does not do are abbreviations looked for.
    const spelled = spellOut(words, from);
    if (!spelled) throw error;
    try {
      return parse(spelled.words, from);
    } catch (second) {
      if (!(second instanceof RuleError)) throw second;
      throw second.at(second.word === null ? null : (spelled.origins[second.word] ?? null));
    }
  }
}

function parse(words: readonly string[], from: number): Rule {
  const cursor = new RuleWords(words, from);
  try {
    return new RuleParser(cursor).parse();
  } catch (error) {
    if (error instanceof RuleError && error.word === null) throw error.at(cursor.last);
    throw error;
  }
}

class RuleParser {
  readonly #words: RuleWords;
  #source: Rule['source'] = null;
  #destination: Rule['destination'] = null;
  #in: Rule['inInterface'] = null;
  #out: Rule['outInterface'] = null;
  #protocol: Rule['protocol'] = null;
  #protocolName = '';
  #fragment = false;
  /** In the order in which they were loaded, which is the order in which they are asked. */
  readonly #loaded: { readonly name: string; readonly reader: MatchReader }[] = [];
  #target: Target | null = null;
  readonly #notes: RuleNote[] = [];

  constructor(words: RuleWords) {
    this.#words = words;
  }

  parse(): Rule {
    while (!this.#words.ended) this.#option(this.#words.take('ends_option'));
    if (this.#words.negated) throw this.#words.error('ends_not');
    const facts = { protocol: this.#protocol && !this.#protocol.negated ? this.#protocol.value : null };
    const matches: Match[] = [];
    for (const { reader } of this.#loaded) {
      const { match, note } = reader.finish(facts);
      if (note) this.#notes.push(note);
      matches.push(match);
    }
    if (this.#fragment) this.#notes.push({ module: '-f', effect: 'never-no-fragment' });
    const target = this.#target ?? { kind: 'none' };
    if (target.kind === 'reject' && target.with === 'tcp-reset' && facts.protocol !== 6) throw new RuleError('needs', { what: 'REJECT --reject-with tcp-reset', option: '-p tcp' });
    if (target.kind === 'nat' && (target.range.ports || target.name === 'REDIRECT') && target.range.ports && ![1, 6, 17, 33, 132].includes(facts.protocol ?? 0)) {
      throw new RuleError('target_ports', { target: target.name });
    }
    return {
      source: this.#source,
      destination: this.#destination,
      inInterface: this.#in,
      outInterface: this.#out,
      protocol: this.#protocol,
      fragment: this.#fragment,
      matches,
      target,
      notes: this.#notes,
    };
  }

  #option(option: string): void {
    const words = this.#words;
    switch (option) {
      case '!':
        words.negate();
        return;
      case '-s':
      case '--source':
      case '--src':
        this.#source = words.value(option, readAddress);
        return;
      case '-d':
      case '--destination':
      case '--dst':
        this.#destination = words.value(option, readAddress);
        return;
      case '-i':
      case '--in-interface':
        this.#in = words.value(option, readInterface);
        return;
      case '-o':
      case '--out-interface':
        this.#out = words.value(option, readInterface);
        return;
      case '-p':
      case '--protocol':
      case '--proto': {
        this.#protocolName = (words.peek() ?? '').toLowerCase();
        const protocol = words.value(option, readProtocol);
        // `-p all` says nothing; negated, nothing could match.
        if (protocol.value === 0 && protocol.negated) throw words.error('protocol_none');
        this.#protocol = protocol.value === 0 ? null : protocol;
        return;
      }
      case '-f':
      case '--fragment':
      case '--fragments':
        // Fragments are not modelled: a rule for them meets none, a rule for all else meets every packet.
        this.#fragment = !words.flag();
        return;
      case '-m':
      case '--match':
        words.mustNotNegate(option);
        this.#load(words.take('ends_match'));
        return;
      case '-j':
      case '--jump':
      case '-g':
      case '--goto': {
        words.mustNotNegate(option);
        if (this.#target) throw words.error('one_target');
        const name = words.take('ends_target');
        if (option === '-g' || option === '--goto') {
          this.#target = { kind: 'goto', chain: name };
          return;
        }
        const { target, note } = readTarget(name, words);
        this.#target = target;
        if (note) this.#notes.push(note);
        return;
      }
      case '-c':
      case '--set-counters':
        if (!words.take('ends_counters').includes(',')) words.take('ends_counters');
        return;
      case '-4':
      case '--ipv4':
      case '-v':
      case '--verbose':
        return;
      case '-A':
      case '-I':
      case '-D':
      case '-N':
      case '-X':
        throw words.error('second_command', { verb: option });
      default:
        this.#matchOption(option);
    }
  }

  #load(name: string): void {
    const reader = Object.hasOwn(MODULES, name) ? MODULES[name]?.() : Object.hasOwn(UNSEEN, name) ? unseen(name) : UNMODELLED.has(name) ? unmodelled(name) : undefined;
    if (!reader) throw this.#words.error('no_match', { match: name });
    this.#loaded.push({ name, reader });
  }

  /** An option belongs to the match loaded last that has it; `-p tcp --dport 80` loads the protocol's own. */
  #matchOption(option: string): void {
    for (let i = this.#loaded.length - 1; i >= 0; i--) {
      if (this.#loaded[i]?.reader.option(option, this.#words)) return;
    }
    const names = { 6: 'tcp', 17: 'udp', 132: 'sctp', 1: 'icmp' } as Readonly<Record<number, string>>;
    const own = this.#protocol && !this.#protocol.negated ? (names[this.#protocol.value] ?? this.#protocolName) : '';
    if (own !== '' && !this.#loaded.some(({ name }) => name === own) && (Object.hasOwn(MODULES, own) || UNMODELLED.has(own))) {
      this.#load(own);
      if (this.#loaded.at(-1)?.reader.option(option, this.#words)) return;
    }
    if (['--sport', '--dport', '--source-port', '--destination-port'].includes(option)) throw this.#words.error('ports_before', { option });
    const name = this.#loaded.at(-1)?.name;
    throw name === undefined || !option.startsWith('-') ? this.#words.error('no_word', { text: option }) : this.#words.error('match_no_option', { match: name, option });
  }
}
