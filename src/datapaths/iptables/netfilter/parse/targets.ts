import { REJECT_CODES, type NoteEffect, type RejectWith, type RuleNote, type Target } from '../rule.ts';
import type { ZoneTemplate } from '../zone.ts';
import { natTarget } from './nat-targets.ts';
import { readSides } from './list-matches.ts';
import type { RuleError } from './rule-error.ts';
import type { RuleWords } from './rule-words.ts';
import { readDscp, readDscpClass, readInteger, readMark, readNumber, readTos } from './values.ts';

export interface ReadTarget {
  readonly target: Target;
  readonly note?: RuleNote;
}

/** Reads `-j NAME` and its options. A name that is no target of Linux is a chain's. */
export function readTarget(name: string, words: RuleWords): ReadTarget {
  switch (name) {
    case 'ACCEPT':
      return { target: { kind: 'accept' } };
    case 'DROP':
      return { target: { kind: 'drop' } };
    case 'RETURN':
      return { target: { kind: 'return' } };
    case 'NOTRACK':
      return { target: { kind: 'notrack' } };
    case 'CT':
      return ctTarget(words);
    case 'MARK':
      return { target: markTarget(words) };
    case 'CONNMARK':
      return { target: connmarkTarget(words) };
    case 'DNAT':
    case 'SNAT':
    case 'MASQUERADE':
    case 'REDIRECT':
    case 'NETMAP':
      return { target: natTarget(name, words) };
    case 'REJECT': {
      const option = words.option((word) => word === '--reject-with');
      return { target: { kind: 'reject', with: option === undefined ? 'icmp-port-unreachable' : words.plain(option, readRejectWith) } };
    }
    case 'TTL':
      return { target: ttlTarget(words) };
    case 'TOS':
    case 'DSCP':
      return { target: name === 'TOS' ? tosTarget(words) : dscpTarget(words) };
    case 'TCPMSS':
      return { target: tcpmssTarget(words) };
    case 'SET':
      return setTarget(words);
    case 'NFQUEUE':
    case 'QUEUE':
      return queueTarget(name, words);
    default:
      return otherTarget(name, words) ?? { target: { kind: 'jump', chain: name } };
  }
}

/** Targets that change nothing which a simulated packet has, each with how many words its options take. */
const CONTINUING: Readonly<Record<string, Readonly<Record<string, 0 | 1>>>> = {
  AUDIT: { '--type': 1 },
  CHECKSUM: { '--checksum-fill': 0 },
  CLASSIFY: { '--set-class': 1 },
  CLUSTERIP: { '--new': 0, '--hashmode': 1, '--clustermac': 1, '--total-nodes': 1, '--local-node': 1, '--hash-init': 1 },
  CONNSECMARK: { '--save': 0, '--restore': 0 },
  ECN: { '--ecn-tcp-remove': 0 },
  // OpenWrt's: it hands a connection to the flow table, past the rules.
  FLOWOFFLOAD: { '--hw': 0 },
  // As MASQUERADE, but that anybody may answer; of the kernel it is no part.
  FULLCONENAT: { '--to-ports': 1, '--random': 0, '--random-fully': 0 },
  HMARK: {},
  IDLETIMER: { '--timeout': 1, '--label': 1, '--alarm': 0, '--send_nl_msg': 0 },
  LED: { '--led-trigger-id': 1, '--led-delay': 1, '--led-always-blink': 0 },
  LOG: { '--log-level': 1, '--log-prefix': 1, '--log-tcp-sequence': 0, '--log-tcp-options': 0, '--log-ip-options': 0, '--log-uid': 0, '--log-macdecode': 0 },
  NFLOG: { '--nflog-group': 1, '--nflog-prefix': 1, '--nflog-range': 1, '--nflog-size': 1, '--nflog-threshold': 1 },
  RATEEST: { '--rateest-name': 1, '--rateest-interval': 1, '--rateest-ewmalog': 1 },
  SECMARK: { '--selctx': 1 },
  TCPOPTSTRIP: { '--strip-options': 1 },
  TEE: { '--gateway': 1, '--oif': 1 },
  TRACE: {},
  ULOG: { '--ulog-nlgroup': 1, '--ulog-prefix': 1, '--ulog-cprange': 1, '--ulog-qthreshold': 1 },
};

/** Of these a person may expect an effect that a simulation does not have. */
const MISSED = new Set(['CLUSTERIP', 'FLOWOFFLOAD', 'FULLCONENAT', 'HMARK', 'TEE', 'ECN', 'TCPOPTSTRIP', 'CONNSECMARK', 'SECMARK']);

/** Targets that end the packet where their listener or socket is missing. */
const UNHEARD: Readonly<Record<string, Readonly<Record<string, 0 | 1>>>> = {
  TPROXY: { '--on-port': 1, '--on-ip': 1, '--tproxy-mark': 1 },
  SYNPROXY: { '--mss': 1, '--wscale': 1, '--sack-perm': 0, '--timestamp': 0, '--ecn': 0 },
};

function skipOptions(words: RuleWords, options: Readonly<Record<string, 0 | 1>>): void {
  const known = (word: string) => Object.hasOwn(options, word);
  for (let option = words.option(known); option !== undefined; option = words.option(known)) {
    if (words.flag()) throw words.error('cannot_negate', { option });
    // Android's --send_nl_msg once took a number.
    if (options[option] === 1 || (option === '--send_nl_msg' && /^\d+$/.test(words.peek() ?? ''))) words.take('ends_value', option);
  }
}

function note(module: string, effect: NoteEffect): { readonly note: RuleNote } {
  return { note: { module, effect } };
}

function otherTarget(name: string, words: RuleWords): ReadTarget | null {
  const continuing = Object.hasOwn(CONTINUING, name) ? CONTINUING[name] : undefined;
  if (continuing) {
    if (name === 'HMARK') while (words.peek()?.startsWith('--hmark')) skipPair(words);
    else skipOptions(words, continuing);
    return { target: { kind: 'continue', name }, ...(MISSED.has(name) ? note(name, 'nothing-not-simulated') : {}) };
  }
  const unheard = Object.hasOwn(UNHEARD, name) ? UNHEARD[name] : undefined;
  if (!unheard) return null;
  skipOptions(words, unheard);
  return { target: { kind: 'unheard', name, bypass: false }, ...note(name, 'dropped-no-listener') };
}

function skipPair(words: RuleWords): void {
  words.take('ends_value', words.take('ends_option_of', 'HMARK'));
}

function queueTarget(name: string, words: RuleWords): ReadTarget {
  let bypass = false;
  const known = (word: string) => word.startsWith('--queue-');
  for (let option = words.option(known); option !== undefined; option = words.option(known)) {
    words.mustNotNegate(option);
    if (option === '--queue-bypass') bypass = true;
    else if (option !== '--queue-cpu-fanout') words.take('ends_value', option);
  }
  return { target: { kind: 'unheard', name, bypass }, ...note(name, bypass ? 'nothing-not-simulated' : 'dropped-no-listener') };
}

const CT_OPTIONS = new Set(['--notrack', '--helper', '--ctevents', '--expevents', '--zone', '--zone-orig', '--zone-reply', '--timeout']);
const HIGHEST_ZONE = 65_535;

function ctTarget(words: RuleWords): ReadTarget {
  let zone: Pick<ZoneTemplate, 'id' | 'fromMark'> = { id: 0, fromMark: false };
  let original = false;
  let reply = false;
  let notrack = false;
  let missed = false;
  for (let option = words.option((word) => CT_OPTIONS.has(word)); option !== undefined; option = words.option((word) => CT_OPTIONS.has(word))) {
    words.mustNotNegate(option);
    if (option === '--notrack') notrack = true;
    else if (option.startsWith('--zone')) {
      zone = words.plain(option, readZone);
      original ||= option === '--zone-orig';
      reply ||= option === '--zone-reply';
    } else {
      words.take('ends_value', option);
      // Events are for a listener; a helper and another lifetime would change what conntrack does.
      missed ||= option === '--helper' || option === '--timeout';
    }
  }
  if (notrack) return { target: { kind: 'notrack' } };
  const both = !original && !reply;
  const template = { ...zone, original: original || both, reply: reply || both };
  return { target: { kind: 'zone', template }, ...(missed ? note('CT', 'nothing-not-simulated') : {}) };
}

function readZone(text: string): Pick<ZoneTemplate, 'id' | 'fromMark'> | undefined {
  if (text === 'mark') return { id: 0, fromMark: true };
  const id = readNumber(text);
  return id === undefined || id > HIGHEST_ZONE ? undefined : { id, fromMark: false };
}

function markTarget(words: RuleWords): Target {
  const option = words.take('ends_option_of', 'MARK');
  if (!MARK_OPTIONS.has(option)) throw words.error('target_no_option', { target: 'MARK', option });
  const [number, mask] = words.plain(option, readMark);
  const [value, cleared] = changeOf(option, number, mask);
  return { kind: 'mark', value, mask: cleared };
}

const MARK_OPTIONS = new Set(['--set-xmark', '--set-mark', '--and-mark', '--or-mark', '--xor-mark']);

/** An option that changes a mark, as `mark = (mark & ~mask) ^ value`. */
function changeOf(option: string, value: number, mask: number): readonly [value: number, mask: number] {
  switch (option) {
    case '--set-mark':
      return [value, (value | mask) >>> 0];
    case '--and-mark':
      return [0, ~value >>> 0];
    case '--or-mark':
      return [value, value];
    case '--xor-mark':
      return [value, 0];
    default:
      return [value, mask];
  }
}

function connmarkTarget(words: RuleWords): Target {
  let action: (Target & { kind: 'connmark' })['action'] | null = null;
  let value = 0;
  let connectionMask = 0xffffffff;
  let packetMask = 0xffffffff;
  let shift = 0;
  const known = (word: string) => CONNMARK_OPTIONS.has(word);
  for (let option = words.option(known); option !== undefined; option = words.option(known)) {
    words.mustNotNegate(option);
    switch (option) {
      case '--save-mark':
      case '--restore-mark':
        if (action) throw words.error('one_action', { target: 'CONNMARK' });
        action = option === '--save-mark' ? 'save' : 'restore';
        break;
      case '--nfmask':
      case '--ctmask':
      case '--mask': {
        const mask = words.plain(option, readNumber);
        if (option !== '--ctmask') packetMask = mask;
        if (option !== '--nfmask') connectionMask = mask;
        break;
      }
      case '--left-shift-mark':
      case '--right-shift-mark':
        shift = words.plain(option, (text) => ((readNumber(text) ?? 32) < 32 ? Number(text) : undefined)) * (option === '--left-shift-mark' ? 1 : -1);
        break;
      default: {
        if (action) throw words.error('one_action', { target: 'CONNMARK' });
        action = 'set';
        const [number, mask] = words.plain(option, readMark);
        [value, connectionMask] = changeOf(option, number, mask);
      }
    }
  }
  if (!action) throw connmarkError(words);
  return { kind: 'connmark', action, value, connectionMask, packetMask, shift };
}

function connmarkError(words: RuleWords): RuleError {
  const option = words.peek();
  return option === undefined ? words.error('ends_option_of', { option: 'CONNMARK' }) : words.error('target_no_option', { target: 'CONNMARK', option });
}

const CONNMARK_OPTIONS = new Set(['--save-mark', '--restore-mark', '--nfmask', '--ctmask', '--mask', '--left-shift-mark', '--right-shift-mark', '--set-xmark', '--set-mark', '--and-mark', '--or-mark', '--xor-mark']);

function ttlTarget(words: RuleWords): Target {
  const option = words.take('ends_option_of', 'TTL');
  const action = { '--ttl-set': 'set', '--ttl-inc': 'inc', '--ttl-dec': 'dec' }[option] as 'set' | 'inc' | 'dec' | undefined;
  if (!action) throw words.error('target_no_option', { target: 'TTL', option });
  return { kind: 'ttl', action, value: words.plain(option, (text) => (readInteger(text) ?? 256) < 256 ? Number(text) : undefined) };
}

/** All of TOS' options, as `(tos & ~mask) ^ value`. */
function tosTarget(words: RuleWords): Target {
  const option = words.take('ends_option_of', 'TOS');
  const [value, mask] = words.plain(option, readTos);
  switch (option) {
    case '--set-tos':
      return { kind: 'tos', value, mask };
    case '--and-tos':
      return { kind: 'tos', value: 0, mask: ~value & 0xff };
    case '--or-tos':
      return { kind: 'tos', value, mask: value };
    case '--xor-tos':
      return { kind: 'tos', value, mask: 0 };
    default:
      throw words.error('target_no_option', { target: 'TOS', option });
  }
}

function dscpTarget(words: RuleWords): Target {
  const option = words.take('ends_option_of', 'DSCP');
  if (option !== '--set-dscp' && option !== '--set-dscp-class') throw words.error('target_no_option', { target: 'DSCP', option });
  return { kind: 'tos', value: words.plain(option, option === '--set-dscp' ? readDscp : readDscpClass) << 2, mask: 0xfc };
}

/** Clamped to the path, as Ethernet's 1,500 bytes without the headers: no smaller MTU is modelled. */
const ETHERNET_SEGMENT = 1460;

function tcpmssTarget(words: RuleWords): Target {
  const option = words.take('ends_option_of', 'TCPMSS');
  if (option === '--clamp-mss-to-pmtu') return { kind: 'tcpmss', size: ETHERNET_SEGMENT };
  if (option !== '--set-mss') throw words.error('target_no_option', { target: 'TCPMSS', option });
  return { kind: 'tcpmss', size: words.plain(option, readInteger) };
}

function setTarget(words: RuleWords): ReadTarget {
  const option = words.take('ends_option_of', 'SET');
  let seconds: number | null = null;
  let exist = false;
  const known = (word: string) => word === '--exist' || word === '--timeout';
  if (option !== '--add-set' && option !== '--del-set' && option !== '--map-set') throw words.error('target_no_option', { target: 'SET', option });
  const set = words.plain(option, (text) => text);
  const sides = readSides(words.take('ends_sides'));
  if (!sides) throw words.error('set_sides', { option });
  for (let next = words.option(known); next !== undefined; next = words.option(known)) {
    if (next === '--timeout') seconds = words.plain(next, readInteger);
    else exist = true;
  }
  if (option === '--map-set') {
    while (words.peek()?.startsWith('--map-')) words.take('ends_option_of', 'SET');
    return { target: { kind: 'continue', name: 'SET' }, ...note('SET', 'nothing-not-simulated') };
  }
  return { target: { kind: 'set', action: option === '--add-set' ? 'add' : 'del', set, sides, seconds, exist } };
}

function readRejectWith(text: string): RejectWith | undefined {
  const short: Readonly<Record<string, RejectWith>> = {
    'net-unreach': 'icmp-net-unreachable', 'host-unreach': 'icmp-host-unreachable', 'proto-unreach': 'icmp-proto-unreachable', 'port-unreach': 'icmp-port-unreachable',
    'net-prohib': 'icmp-net-prohibited', 'host-prohib': 'icmp-host-prohibited', 'admin-prohib': 'icmp-admin-prohibited', 'tcp-rst': 'tcp-reset',
  };
  const name = text.toLowerCase();
  const names = new Map<string, RejectWith>([...Object.keys(REJECT_CODES).map((known) => [known, known as RejectWith] as const), ['tcp-reset', 'tcp-reset'], ...Object.entries(short)]);
  // iptables takes the first name that begins so.
  return names.get(name) ?? (name === '' ? undefined : [...names].find(([known]) => known.startsWith(name))?.[1]);
}
