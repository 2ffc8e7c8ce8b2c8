import { formatIpv4, maskOf, parseIpv4, parsePrefix, type Ipv4 } from '../../../packet/address.ts';
import { PROTOCOL_NUMBER } from '../../../packet/protocol.ts';
import { HashSet, maskedBy, networkKey, NO_OPTIONS, portKey, SetList, type IpSet, type Part, type SetOptions } from './ipset.ts';
import { PORT_NAMES, PROTOCOL_NAMES } from './parse/names.ts';
import { readIcmpType, readNumber } from './parse/values.ts';
import { RestoreError } from './restore-error.ts';
import { splitWords } from './words.ts';

/** The parts that set types are made of; `list:set` is a list of others. */
const TYPES: Readonly<Record<string, readonly Part[]>> = {
  'hash:ip': ['ip'],
  'hash:net': ['net'],
  'hash:ip,port': ['ip', 'port'],
  'hash:net,port': ['net', 'port'],
  'hash:net,net': ['net', 'net'],
  'hash:ip,port,ip': ['ip', 'port', 'ip'],
  'hash:ip,port,net': ['ip', 'port', 'net'],
  'hash:net,port,net': ['net', 'port', 'net'],
  'hash:ip,mark': ['ip', 'mark'],
  'hash:net,iface': ['net', 'iface'],
  'bitmap:ip': ['ip'],
  'bitmap:port': ['port'],
  // As they were called once.
  iphash: ['ip'],
  nethash: ['net'],
  ipporthash: ['ip', 'port'],
  ipportiphash: ['ip', 'port', 'ip'],
  ipportnethash: ['ip', 'port', 'net'],
  ipmap: ['ip'],
  portmap: ['port'],
};

type Fail = (reason: string) => never;
type AnySet = HashSet | SetList;

/** Reads what `ipset save` writes and `ipset restore` takes. Throws `RestoreError`. */
export function parseIpSets(text: string): Map<string, IpSet> {
  const sets = new Map<string, AnySet>();
  text.split('\n').forEach((line, index) => {
    const fail: Fail = (reason) => {
      throw new RestoreError({ message: reason }, index + 1);
    };
    const words = (splitWords(line.trim()) ?? fail('A quote is opened and not closed.')).filter((word) => word !== '-exist' && word !== '-!');
    const [command, ...rest] = words;
    if (command !== undefined && !command.startsWith('#') && command !== 'COMMIT' && command !== 'quit') run(sets, command, rest, fail);
  });
  return sets;
}

function run(sets: Map<string, AnySet>, command: string, [name, third, ...options]: readonly string[], fail: Fail): void {
  if (name === undefined && command !== 'flush' && command !== 'destroy') return fail(`“${command}” needs a set’s name.`);
  const known = (of: string | undefined): AnySet => sets.get(of ?? '') ?? fail(`There is no set ${of ?? 'without a name'}.`);
  switch (command) {
    case 'create':
    case '-N':
      return create(sets, name ?? '', third, options, fail);
    case 'add':
    case '-A': {
      const set = known(name);
      const member = third ?? fail('“add” needs a member.');
      if (set instanceof SetList) addToList(set, known(member), options, sets);
      else addMember(set, member, options, fail);
      return;
    }
    case 'del':
    case '-D': {
      const set = known(name);
      const member = third ?? fail('“del” needs a member.');
      if (set instanceof SetList) set.sets.splice(set.sets.indexOf(known(member)), 1);
      else for (const values of membersOf(set, member, fail)) set.delete(values);
      return;
    }
    case 'flush':
    case '-F':
      for (const set of name === undefined ? sets.values() : [known(name)]) {
        if (set instanceof SetList) set.sets.length = 0;
        else set.clear();
      }
      return;
    case 'destroy':
    case '-X':
      if (name === undefined) sets.clear();
      else sets.delete(known(name).name);
      return;
    default:
      return fail(`The ipset command ${command} is not known here.`);
  }
}

function create(sets: Map<string, AnySet>, name: string, type: string | undefined, options: readonly string[], fail: Fail): void {
  if (type === undefined) return fail('“create” needs a type.');
  if (type === 'list:set' || type === 'setlist') {
    sets.set(name, new SetList(name));
    return;
  }
  const parts = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  if (!parts) return fail(`The set type ${type} is not known here.`);
  sets.set(name, new HashSet(name, type, parts, optionsOf(type, options, fail)));
}

/** Options with a value that says nothing of what is in the set. */
const IGNORED = new Set(['hashsize', 'bucketsize', 'initval', 'probes', 'resize', 'size', 'gc']);

function optionsOf(type: string, words: readonly string[], fail: Fail): SetOptions {
  let options = NO_OPTIONS;
  for (let at = 0; at < words.length; at++) {
    const option = words[at]?.replace(/^--/, '');
    const value = words[at + 1] ?? '';
    switch (option) {
      case 'family':
        options = { ...options, ipv6: value === 'inet6' };
        at += 1;
        break;
      case 'timeout':
        options = { ...options, timeout: readNumber(value) ?? fail(`timeout cannot be “${value}”.`) };
        at += 1;
        break;
      case 'netmask':
        options = { ...options, netmask: Number(value) };
        at += 1;
        break;
      case 'maxelem':
        options = { ...options, maxelem: readNumber(value) ?? fail(`maxelem cannot be “${value}”.`) };
        at += 1;
        break;
      case 'markmask':
        options = { ...options, markmask: readNumber(value) ?? fail(`markmask cannot be “${value}”.`) };
        at += 1;
        break;
      case 'range':
        options = { ...options, range: type.includes('port') ? portRange(value, fail) : addressRange(value, fail) };
        at += 1;
        break;
      case 'counters':
      case 'comment':
      case 'skbinfo':
      case 'forceadd':
        break;
      default:
        if (option === undefined || !IGNORED.has(option)) fail(`The option ${option ?? ''} of a set is not known here.`);
        at += 1;
    }
  }
  return options;
}

/** A set goes behind the others, or `before` or `after` one of them. */
function addToList(list: SetList, set: IpSet, [where, other]: readonly string[], sets: ReadonlyMap<string, IpSet>): void {
  const at = where === 'before' || where === 'after' ? list.sets.indexOf(sets.get(other ?? '') ?? set) : -1;
  if (at < 0) list.sets.push(set);
  else list.sets.splice(where === 'before' ? at : at + 1, 0, set);
}

function addMember(set: HashSet, text: string, options: readonly string[], fail: Fail): void {
  if (set.options.ipv6) return;
  let nomatch = false;
  let seconds: number | null = null;
  for (let at = 0; at < options.length; at++) {
    const value = options[at + 1] ?? '';
    if (options[at] === 'nomatch') nomatch = true;
    else if (options[at] === 'timeout') seconds = readNumber(value) ?? fail(`timeout cannot be “${value}”.`);
    if (options[at] !== 'nomatch' && options[at] !== 'wildcard') at += 1;
  }
  for (const values of membersOf(set, text, fail)) set.insert(values, nomatch, set.until(0, seconds));
}

/** Ranges and networks stand for each of their addresses or ports; a range of networks for as few as make it up. */
function membersOf(set: HashSet, text: string, fail: Fail): string[][] {
  const texts = text.split(',');
  let members: string[][] = [[]];
  set.parts.forEach((part, index) => {
    const own = texts[index] ?? fail(`${text} is no whole member of a ${set.type}.`);
    const values = valuesOf(set, part, own, fail);
    members = members.flatMap((member) => values.map((value) => [...member, value]));
  });
  return members;
}

function valuesOf(set: HashSet, part: Part, text: string, fail: Fail): string[] {
  switch (part) {
    case 'iface':
      return [text.replace(/^physdev:/, '')];
    case 'mark':
      return [String(((readNumber(text) ?? fail(`${text} is no mark.`)) & set.options.markmask) >>> 0)];
    case 'port':
      return portsOf(set.type, text, fail);
    case 'net': {
      const dash = text.indexOf('-');
      if (dash >= 0) return networksOf(addressRange(text, fail));
      const net = parsePrefix(text) ?? fail(`${text} is no IPv4 network.`);
      return [networkKey(net.address, net.length)];
    }
    default: {
      const [low, high] = addressRange(text, fail);
      return [...new Set(range(low, high, fail).map((address) => String(maskedBy(address, set.options.netmask))))];
    }
  }
}

function addressRange(text: string, fail: Fail): readonly [number, number] {
  const [low = '', high] = text.split('-');
  const prefix = parsePrefix(low) ?? fail(`${text} is no IPv4 address.`);
  if (high === undefined) return [prefix.address, prefix.address + 2 ** (32 - prefix.length) - 1];
  return [prefix.address, parseIpv4(high) ?? fail(`${high} is no IPv4 address.`)];
}

/** The fewest networks that make up a range. */
function networksOf([low, high]: readonly [number, number]): string[] {
  const networks: string[] = [];
  for (let from = low; from <= high; ) {
    let length = 32;
    while (length > 0 && (from & ~maskOf(length - 1)) >>> 0 === 0 && from + 2 ** (33 - length) - 1 <= high) length -= 1;
    networks.push(networkKey(from, length));
    from += 2 ** (32 - length);
  }
  return networks;
}

function portsOf(type: string, text: string, fail: Fail): string[] {
  const colon = text.indexOf(':');
  const name = colon < 0 ? 'tcp' : text.slice(0, colon).toLowerCase();
  const ports = text.slice(colon + 1);
  const protocol = PROTOCOL_NAMES.get(name) ?? (/^\d+$/.test(name) ? Number(name) : fail(`${text}: the protocol ${name} is not known here.`));
  if (protocol === PROTOCOL_NUMBER.ICMP) {
    const [icmp, code] = readIcmpType(ports) ?? fail(`${text} is no type of ICMP.`);
    return [portKey(protocol, (icmp << 8) | code)];
  }
  const [low, high] = portRange(ports, fail);
  return range(low, high, fail).map((port) => (type === 'bitmap:port' ? String(port) : portKey(protocol, port)));
}

function portRange(text: string, fail: Fail): readonly [number, number] {
  const port = (word: string) => readNumber(word) ?? PORT_NAMES.get(word) ?? fail(`${text} is no protocol:port.`);
  const dash = /^\d+-\d+$/.test(text) ? text.indexOf('-') : -1;
  return dash < 0 ? [port(text), port(text)] : [port(text.slice(0, dash)), port(text.slice(dash + 1))];
}

const LARGEST_RANGE = 65_536;

function range(low: number, high: number, fail: Fail): number[] {
  if (high < low || high - low >= LARGEST_RANGE) return fail(`A range of ${formatIpv4(low as Ipv4)} to ${formatIpv4(high as Ipv4)} is empty or too large.`);
  return Array.from({ length: high - low + 1 }, (_, index) => low + index);
}
