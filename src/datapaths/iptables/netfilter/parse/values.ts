import { maskOf, parseIpv4, parsePrefix, type Ipv4 } from '../../../../packet/address.ts';
import { TCP_FLAG } from '../../../../packet/packet.ts';
import { CONNECTION_STATE, type AddressMask, type Range } from '../rule.ts';
import { PORT_NAMES, PROTOCOL_NAMES } from './names.ts';

/*
 * What the values of iptables' options look like. Each function gives undefined for what it cannot read.
 */

const ICMP_TYPES: Readonly<Record<string, readonly [type: number, low: number, high: number]>> = {
  any: [255, 0, 255], 'echo-reply': [0, 0, 255], pong: [0, 0, 255],
  'destination-unreachable': [3, 0, 255], 'network-unreachable': [3, 0, 0], 'host-unreachable': [3, 1, 1], 'protocol-unreachable': [3, 2, 2], 'port-unreachable': [3, 3, 3],
  'fragmentation-needed': [3, 4, 4], 'source-route-failed': [3, 5, 5], 'network-unknown': [3, 6, 6], 'host-unknown': [3, 7, 7], 'network-prohibited': [3, 9, 9], 'host-prohibited': [3, 10, 10],
  'TOS-network-unreachable': [3, 11, 11], 'TOS-host-unreachable': [3, 12, 12], 'communication-prohibited': [3, 13, 13], 'host-precedence-violation': [3, 14, 14], 'precedence-cutoff': [3, 15, 15],
  'source-quench': [4, 0, 255], redirect: [5, 0, 255], 'network-redirect': [5, 0, 0], 'host-redirect': [5, 1, 1], 'TOS-network-redirect': [5, 2, 2], 'TOS-host-redirect': [5, 3, 3],
  'echo-request': [8, 0, 255], ping: [8, 0, 255], 'router-advertisement': [9, 0, 255], 'router-solicitation': [10, 0, 255],
  'time-exceeded': [11, 0, 255], 'ttl-exceeded': [11, 0, 255], 'ttl-zero-during-transit': [11, 0, 0], 'ttl-zero-during-reassembly': [11, 1, 1],
  'parameter-problem': [12, 0, 255], 'ip-header-bad': [12, 0, 0], 'required-option-missing': [12, 1, 1],
  'timestamp-request': [13, 0, 255], 'timestamp-reply': [14, 0, 255], 'address-mask-request': [17, 0, 255], 'address-mask-reply': [18, 0, 255],
};

export const anyText = (text: string): string => text;

/** `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, any mask, or a bare address; host bits are cleared. `10/8` and `any/0` as iptables takes them. */
export function readAddress(text: string): AddressMask | undefined {
  const prefix = parsePrefix(text);
  if (prefix) return { address: prefix.address, mask: maskOf(prefix.length) };
  const slash = text.indexOf('/');
  const address = wholeAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  if (slash < 0) return { address, mask: 0xffffffff };
  const bits = text.slice(slash + 1);
  const mask = /^\d{1,2}$/.test(bits) && Number(bits) <= 32 ? maskOf(Number(bits)) : parseIpv4(bits);
  return mask === undefined ? undefined : { address: (address & mask) >>> 0, mask };
}

/** What iptables' own resolver knows without asking: zeros are added behind (`10`, `192.168`). */
function wholeAddress(text: string): number | undefined {
  if (text === 'any') return 0;
  if (text === 'localhost') return 0x7f000001;
  const parts = text.split('.');
  return parseIpv4([...parts, '0', '0', '0'].slice(0, Math.max(4, parts.length)).join('.'));
}

export function readAddressRange(text: string): readonly [Ipv4, Ipv4] | undefined {
  const [low = '', high = low, ...more] = text.split('-');
  const from = parseIpv4(low);
  const to = parseIpv4(high);
  return more.length > 0 || from === undefined || to === undefined ? undefined : [from, to];
}

export function readInterface(text: string): string | undefined {
  return text.length > 0 && text.length < 16 ? text : undefined;
}

export function readProtocol(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) < 256 ? Number(text) : undefined;
  return PROTOCOL_NAMES.get(text.toLowerCase());
}

/** Decimal, hexadecimal or octal, as strtoul takes it. */
function numberOf(text: string): number | undefined {
  if (/^0[0-7]+$/.test(text)) return parseInt(text, 8);
  return /^(0x[0-9a-f]+|[1-9]\d*|0)$/i.test(text) ? Number(text) : undefined;
}

/** The same, up to 32 bits. */
export function readNumber(text: string): number | undefined {
  const value = numberOf(text);
  return value !== undefined && value <= 0xffffffff ? value : undefined;
}

export function readInteger(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** `0x1/0xff`; without a mask all bits count. */
export function readMark(text: string): readonly [number, number] | undefined {
  const [value = '', mask, ...more] = text.split('/');
  const number = readNumber(value);
  const bits = mask === undefined ? 0xffffffff : readNumber(mask);
  return more.length > 0 || number === undefined || bits === undefined ? undefined : [number, bits];
}

function readPort(text: string): number | undefined {
  const port = numberOf(text) ?? PORT_NAMES.get(text);
  return port !== undefined && port <= 65535 ? port : undefined;
}

/** `80`, `80:90`, `:1023`, `1024:`. */
export function readPorts(text: string): Range | undefined {
  const colon = text.indexOf(':');
  const low = colon < 0 ? text : text.slice(0, colon);
  const high = colon < 0 ? undefined : text.slice(colon + 1);
  const from = low === '' && high !== undefined ? 0 : readPort(low);
  const to = high === undefined ? from : high === '' ? 65535 : readPort(high);
  return from === undefined || to === undefined || to < from ? undefined : [from, to];
}

export function readPortList(text: string): readonly Range[] | undefined {
  const ranges = text.split(',').map(readPorts);
  // A range takes two of the fifteen places.
  const places = ranges.reduce((sum, range) => sum + (range && range[0] !== range[1] ? 2 : 1), 0);
  return places <= 15 && ranges.every((range): range is Range => range !== undefined) ? ranges : undefined;
}

/** `5`, `5:10`, `:10`, `5:` of numbers. */
export function readRange(highest: number): (text: string) => Range | undefined {
  return (text) => {
    const [from = '', to, ...more] = text.split(':');
    if (more.length > 0 || text === '') return undefined;
    const low = from === '' && to !== undefined ? 0 : numberOf(from);
    const high = to === undefined ? low : to === '' ? highest : numberOf(to);
    // Linux takes a range that goes down, which nothing is in.
    return low === undefined || high === undefined || low > highest || high > highest ? undefined : [low, high];
  };
}

export function readFlags(names: string): number | undefined {
  const text = names.toUpperCase();
  if (text === '') return undefined;
  if (text === 'NONE') return 0;
  if (text === 'ALL') return 0x3f;
  let flags = 0;
  for (const name of text.split(',')) {
    if (name === '') continue;
    const bit = (TCP_FLAG as Readonly<Record<string, number>>)[name];
    // iptables knows the six of RFC 793.
    if (bit === undefined || bit > 0x3f) return undefined;
    flags |= bit;
  }
  return flags;
}

export function readIcmpType(text: string): readonly [number, number, number] | undefined {
  const name = text.toLowerCase();
  const meant = Object.keys(ICMP_TYPES).filter((known) => known.toLowerCase().startsWith(name));
  const named = text === '' ? undefined : (ICMP_TYPES[meant.find((known) => known.toLowerCase() === name) ?? ''] ?? (meant.length === 1 ? ICMP_TYPES[meant[0] ?? ''] : undefined));
  if (named) return named;
  const match = /^(\d+)(?:\/(\d+))?$/.exec(text);
  if (!match) return undefined;
  const type = Number(match[1]);
  const code = match[2] === undefined ? null : Number(match[2]);
  if (type > 255 || (code !== null && code > 255)) return undefined;
  return [type, code ?? 0, code ?? 255];
}

export function readStates(text: string): number | undefined {
  let states = 0;
  for (const name of text.split(',')) {
    const bit = (CONNECTION_STATE as Readonly<Record<string, number>>)[name.toUpperCase()];
    if (bit === undefined) return undefined;
    states |= bit;
  }
  return states;
}

const UNIT_SECONDS: readonly (readonly [string, number])[] = [['second', 1], ['minute', 60], ['hour', 3600], ['day', 86400]];

/** `3/minute`, `5/s`, `10`: milliseconds from one to the next (xt_limit counts in ten-thousandths of a second). */
export function readRate(text: string): number | undefined {
  const match = /^(\d+)(?:\/([a-z]+))?$/.exec(text.toLowerCase());
  const count = Number(match?.[1]);
  if (!match || count === 0) return undefined;
  const unit = match[2] === undefined ? 1 : UNIT_SECONDS.find(([name]) => name.startsWith(match[2] ?? ''))?.[1];
  return unit === undefined ? undefined : Math.floor((10_000 * unit) / count) / 10;
}

const TOS_NAMES = new Map([['minimize-delay', 16], ['maximize-throughput', 8], ['maximize-reliability', 4], ['minimize-cost', 2], ['normal-service', 0]]);

/** `0x10/0x3f`, or a name, which stands for the bits of RFC 1349. */
export function readTos(text: string): readonly [number, number] | undefined {
  const name = TOS_NAMES.get(text.toLowerCase());
  if (name !== undefined) return [name, 0x3f];
  const [value, mask] = readMark(text) ?? [256, 256];
  return value > 255 ? undefined : [value, mask === 0xffffffff ? 0xff : mask];
}

const DSCP_CLASSES = new Map([['EF', 46], ['BE', 0], ['CS0', 0], ...[1, 2, 3, 4, 5, 6, 7].map((c) => [`CS${c}`, c * 8] as const), ...[1, 2, 3, 4].flatMap((c) => [1, 2, 3].map((d) => [`AF${c}${d}`, c * 8 + d * 2] as const))]);

export function readDscp(text: string): number | undefined {
  const value = readNumber(text);
  return value !== undefined && value < 64 ? value : undefined;
}

export function readDscpClass(text: string): number | undefined {
  return DSCP_CLASSES.get(text.toUpperCase());
}
