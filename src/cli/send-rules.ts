import { findProfile } from '../cost/profiles.ts';
import type { Dump } from '../datapaths/iptables/index.ts';
import { parseIpv4, type Ipv4 } from '../packet/address.ts';
import type { Packet } from '../packet/packet.ts';
import { ClusterSource } from '../simulation/cluster.ts';
import { draw, firstPacket, type Draw } from '../simulation/exchange.ts';
import { readAssets } from '../simulation/node-assets.ts';
import type { WalkedRule } from '../simulation/rules/api.ts';
import type { Scene } from '../simulation/scene.ts';
import { SimulationError } from '../simulation/simulation-error.ts';
import { Simulation } from '../simulation/simulation.ts';
import { CommandError, UsageError } from './command.ts';
import { laneLine } from './lane-line.ts';
import { faultLine, sentence } from './sentence.ts';

/** The node that the rules are from, in the place of an address: no rule says its own. */
const NODE = 'node';
const PORTED = ['TCP', 'UDP', 'SCTP'] as const;
const UPLINK = 'eth0';
/** An echo request, as `ping` sends it: 56 bytes of data. */
const ECHO = { type: 8, code: 0, ttl: 64, length: 84, sequence: 1 } as const;

export interface RulesSend {
  /** As it is called in what is said of it. */
  readonly file: string;
  /** The scene whose cluster are the rules. */
  readonly scene: Scene & { readonly cluster: { readonly kind: 'rules'; readonly text: string } };
  readonly from: string;
  readonly to: string;
  readonly input: string | undefined;
  readonly output: string | undefined;
  readonly count: number;
  readonly trace: boolean;
}

/**
 * Sends the first packets of connections through a node's own rules, one JSON line each: what `send` says of a lane, and
 * `matched`, the rules that matched, as `table:chain:index` in their order. Notes go to standard error. Throws
 * `UsageError`, and `CommandError` with every fault of the text after all packets were sent.
 */
export function sendThroughRules({ file, scene, from, to, input, output, count, trace }: RulesSend, print: (line: string) => void): void {
  const clusters = new ClusterSource();
  const { faults, rules, node } = clusters.load(scene.cluster, scene.seed);
  if (rules) sayNotes(file, rules.dump);
  const errors = faults.map((fault) => faultLine(file, fault));
  try {
    const simulation = new Simulation({ assets: readAssets(), profiles: { find: findProfile }, datapaths: ['iptables'], clusters });
    const source = addressOf(from, node.address, `--from ${from}: write it as an IPv4 address, or as ${NODE} for the node itself.`);
    const destination = destinationOf(to, node.address);
    for (let packet = scene.packet; packet < scene.packet + count; packet++) {
      const browser = simulation.rules({ ...scene, packet });
      const made = makePacket(source, destination, draw(scene.seed, packet));
      const walk = browser.send({ packet: made, input: input ?? (from === NODE ? null : browser.deviceOf(source, UPLINK)), output: output ?? null, keep: packet > scene.packet });
      print(JSON.stringify({ packet, ...laneLine(walk.lane, scene.profile, trace), matched: matchedRules(walk.rules) }));
    }
  } catch (error) {
    if (error instanceof SimulationError) throw new CommandError([...errors, error.message].join('\n'), { cause: error });
    throw error;
  }
  if (errors.length > 0) throw new CommandError(errors.join('\n'));
}

function matchedRules(rules: readonly WalkedRule[]): string[] {
  return rules.flatMap(({ table, chain, index, matched }) => (matched ? [`${table}:${chain}:${index}`] : []));
}

function sayNotes(file: string, { notes, leftOut }: Dump): void {
  const say = (line: number, words: string) => process.stderr.write(`${file === '-' ? 'standard input' : file}:${line}: note: ${words}\n`);
  for (const { line, module, effect } of notes) say(line, sentence(`rules_note_${effect.replaceAll('-', '_')}`, { module }));
  for (const { fromLine, rules } of leftOut) say(fromLine, sentence('rules_left_out', { count: rules }));
}

type Destination = { readonly to: Ipv4; readonly protocol: 'ICMP' } | { readonly to: Ipv4; readonly port: number; readonly protocol: (typeof PORTED)[number] };

/** `10.96.0.10:53/UDP`, `node:22/TCP`, `192.0.2.7/ICMP`. */
function destinationOf(text: string, node: string): Destination {
  const fault = `--to ${text}: write it as IP:PORT/PROTO, such as 10.96.0.10:53/UDP, or as IP/ICMP; protocols are ${[...PORTED, 'ICMP'].join(', ')}. ${NODE} in the place of IP is the node itself.`;
  const [, host = '', port = '', name = ''] = /^([\w.]+)(?::(\d{1,5}))?\/(\w+)$/.exec(text) ?? [];
  const to = addressOf(host, node, fault);
  if (name.toUpperCase() === 'ICMP' && port === '') return { to, protocol: 'ICMP' };
  const protocol = PORTED.find((known) => known === name.toUpperCase());
  if (protocol === undefined || port === '' || Number(port) > 65_535) throw new UsageError(fault);
  return { to, port: Number(port), protocol };
}

function addressOf(text: string, node: string, fault: string): Ipv4 {
  const address = parseIpv4(text === NODE ? node : text);
  if (address === undefined) throw new UsageError(fault);
  return address;
}

function makePacket(source: Ipv4, destination: Destination, drawn: Draw): Packet {
  const { to, protocol } = destination;
  if (protocol !== 'ICMP') return firstPacket({ from: source, to, port: destination.port, protocol }, drawn);
  return { ...ECHO, protocol, source, destination: to, identifier: drawn.sourcePort, inner: null };
}
