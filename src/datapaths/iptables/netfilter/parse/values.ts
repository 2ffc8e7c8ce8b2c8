import { maskOf, parseIpv4, parsePrefix, type Ipv4 } from '../../../../packet/address.ts';
import { TCP_FLAG } from '../../../../packet/packet.ts';
import { CONNECTION_STATE, type AddressMask, type Range } from '../rule.ts';

/*
 * What the values of iptables' options look like. Each function gives undefined for what it cannot read.
 */

/** Service names that rules commonly carry instead of port numbers (/etc/services). */
const PORT_NAMES = new Map<string, number>(Object.entries({
  'ftp-data': 20, ftp: 21, ssh: 22, telnet: 23, smtp: 25, domain: 53, bootps: 67, bootpc: 68, tftp: 69, http: 80, kerberos: 88, pop3: 110, sunrpc: 111, ntp: 123,
  'netbios-ns': 137, 'netbios-dgm': 138, 'netbios-ssn': 139, imap2: 143, snmp: 161, bgp: 179, ldap: 389, https: 443, 'microsoft-ds': 445, isakmp: 500, syslog: 514,
  submission: 587, ipp: 631, ldaps: 636, imaps: 993, pop3s: 995, openvpn: 1194, nfs: 2049, mysql: 3306, postgresql: 5432, 'ipsec-nat-t': 4500, mdns: 5353, 'http-alt': 8080,
}));

const PROTOCOL_NAMES = new Map<string, number>(Object.entries({
  all: 0, icmp: 1, igmp: 2, ipip: 4, ipencap: 4, tcp: 6, udp: 17, dccp: 33, ipv6: 41, gre: 47, esp: 50, 'ipv6-crypt': 50, ah: 51, 'ipv6-auth': 51, ospf: 89, vrrp: 112, sctp: 132,
  udplite: 136, 'ipv6-icmp': 58, icmpv6: 58, pim: 103, l2tp: 115,
}));

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

/** `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, any mask, or a bare address; host bits are cleared. */
export function readAddress(text: string): AddressMask | undefined {
  const prefix = parsePrefix(text);
  if (prefix) return { address: prefix.address, mask: maskOf(prefix.length) };
  const slash = text.indexOf('/');
  const address = slash < 0 ? undefined : parseIpv4(text.slice(0, slash));
  const mask = slash < 0 ? undefined : parseIpv4(text.slice(slash + 1));
  return address === undefined || mask === undefined ? undefined : { address: (address & mask) >>> 0, mask };
}

export function readAddressRange(text: string): readonly [Ipv4, Ipv4] | undefined {
  const [low = '', high = low, ...more] = text.split('-');
  const from = parseIpv4(low);
  const to = parseIpv4(high);
  return more.length > 0 || from === undefined || to === undefined || to < from ? undefined : [from, to];
}

export function readInterface(text: string): string | undefined {
  return text.length > 0 && text.length < 16 ? text : undefined;
}

export function readProtocol(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) < 256 ? Number(text) : undefined;
  return PROTOCOL_NAMES.get(text.toLowerCase());
}

/** Decimal, hexadecimal or octal, up to 32 bits. */
export function readNumber(text: string): number | undefined {
  const octal = /^0[0-7]+$/.test(text);
  if (!octal && !/^(0x[0-9a-f]+|\d+)$/i.test(text)) return undefined;
  const value = octal ? parseInt(text, 8) : Number(text);
  return value <= 0xffffffff ? value : undefined;
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
  if (/^\d+$/.test(text)) return Number(text) <= 65535 ? Number(text) : undefined;
  return PORT_NAMES.get(text);
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
    const match = /^(\d*)(:(\d*))?$/.exec(text);
    if (!match || text === '') return undefined;
    const low = match[1] === '' ? 0 : Number(match[1]);
    const high = match[2] === undefined ? low : match[3] === '' ? highest : Number(match[3]);
    return high < low || high > highest ? undefined : [low, high];
  };
}

export function readFlags(text: string): number | undefined {
  if (text === 'NONE') return 0;
  if (text === 'ALL') return 0x3f;
  let flags = 0;
  for (const name of text.split(',')) {
    const bit = (TCP_FLAG as Readonly<Record<string, number>>)[name];
    if (bit === undefined) return undefined;
    flags |= bit;
  }
  return flags;
}

export function readIcmpType(text: string): readonly [number, number, number] | undefined {
  const named = ICMP_TYPES[text];
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
  const match = /^(\d+)(?:\/([a-z]+))?$/.exec(text);
  const count = Number(match?.[1]);
  if (!match || count === 0) return undefined;
  const unit = match[2] === undefined ? 1 : UNIT_SECONDS.find(([name]) => name.startsWith(match[2] ?? '') || name.slice(0, 3) === match[2])?.[1];
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
