import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BUILT_IN, isTableName } from '../../src/datapaths/iptables/netfilter/hook.ts';
import { LabError } from '../shell.ts';
import type { Backend, Topology } from './case.ts';
import { nextPacket } from './scene-packet.ts';
import type { PlayPlan } from './play.ts';

/*
 * Cases made by hand: what happens to the packets of one idea. The texts stand in `scenes/`, a case after each line that
 * begins with `== `: its name, the topology's name in brackets (else `router`), then its sets, its tables and its packets
 * (`scene-packet.ts`), each part behind `sets`, `rules` and `packets`. In rules `@probe` asks for everything that
 * conntrack knows, `@states`, `@status` and `@expire` for one kind each.
 */

const FOLDER = join(import.meta.dirname, 'scenes');
const LO = { name: 'lo', addresses: ['127.0.0.1/8'] };

/** Those of the recordings. */
const TOPOLOGIES: Readonly<Record<string, Topology>> = {
  router: {
    interfaces: [{ name: 'cl0', side: 'client', addresses: ['10.1.0.1/24'] }, { name: 'sv0', side: 'server', addresses: ['10.2.0.1/24'] }, LO],
    routes: [{ dst: '10.1.0.0/24', dev: 'cl0', connected: true }, { dst: '10.2.0.0/24', dev: 'sv0', connected: true }, { dst: '10.3.0.0/16', via: '10.1.0.2', dev: 'cl0' }, { dst: 'default', via: '10.2.0.2', dev: 'sv0' }],
  },
  many: {
    interfaces: [{ name: 'cl0', side: 'client', addresses: ['10.1.0.1/24'] }, { name: 'sv0', side: 'server', addresses: ['10.2.0.1/24', '10.2.0.7/24', '10.20.0.1/24'] }, LO],
    routes: [
      { dst: '10.1.0.0/24', dev: 'cl0', connected: true }, { dst: '10.2.0.0/24', dev: 'sv0', connected: true }, { dst: '10.20.0.0/24', dev: 'sv0', connected: true },
      { dst: '10.5.0.0/16', via: '10.2.0.2', dev: 'sv0' }, { dst: '10.6.0.0/16', via: '10.20.0.2', dev: 'sv0' }, { dst: '10.7.0.0/16', dev: 'sv0' }, { dst: 'default', via: '10.20.0.3', dev: 'sv0' },
    ],
  },
  closed: {
    interfaces: [{ name: 'cl0', side: 'client', addresses: ['10.1.0.1/24'] }, { name: 'sv0', side: 'server', addresses: ['10.2.0.1/24'] }, LO],
    routes: [{ dst: '10.1.0.0/24', dev: 'cl0', connected: true }, { dst: '10.2.0.0/24', dev: 'sv0', connected: true }],
  },
  node: {
    interfaces: [{ name: 'cni0', side: 'client', addresses: ['10.244.1.1/24'] }, { name: 'eth0', side: 'server', addresses: ['192.168.50.11/24'] }, LO],
    routes: [{ dst: '10.244.1.0/24', dev: 'cni0', connected: true }, { dst: '192.168.50.0/24', dev: 'eth0', connected: true }, { dst: '10.244.0.0/16', via: '192.168.50.12', dev: 'eth0' }, { dst: 'default', via: '192.168.50.1', dev: 'eth0' }],
  },
};

const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED', 'SNAT', 'DNAT'].map((state) => `-m conntrack --ctstate ${state}`);
const STATUS = ['NONE', 'EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED'].map((status) => `-m conntrack --ctstatus ${status}`);
/** Lifetimes apart from one another, so that a moment more or less does not matter. */
const EXPIRE = ['0', '1:5', '6:12', '20:31', '40:61', '100:121', '170:211', '250:301', '400000:432001'].map((range) => `-m conntrack --ctexpire ${range}`);
const MACROS: Readonly<Record<string, readonly string[]>> = {
  '@states': STATES,
  '@status': STATUS,
  '@expire': EXPIRE,
  '@probe': [...STATES, ...STATUS, ...EXPIRE, '-m conntrack --ctdir ORIGINAL', '-m conntrack --ctdir REPLY'],
};

export interface Scene {
  readonly name: string;
  readonly topology: Topology;
  readonly rules: readonly string[];
  readonly sets?: string | undefined;
  readonly packets: readonly string[];
}

/** All of them, in the order of their files. Throws `LabError` where a text is not understood. */
export function readScenes(): Scene[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.txt')).sort();
  return files.flatMap((file) => readFileSync(join(FOLDER, file), 'utf8').split(/^== /m).slice(1).map((text) => readScene(file.replace('.txt', ''), text)));
}

function readScene(file: string, text: string): Scene {
  const [title = '', ...lines] = text.split('\n');
  const [, name = title, place = 'router'] = /^(.*?)(?: \[(\w+)\])?$/.exec(title) ?? [];
  const parts: Record<string, string[]> = { sets: [], rules: [], packets: [] };
  let part: string[] | undefined;
  for (const line of lines) {
    if (Object.hasOwn(parts, line)) part = parts[line];
    else if (line.trim() !== '' && !line.startsWith('#')) part?.push(line);
  }
  const topology = TOPOLOGIES[place];
  if (!topology) throw new LabError(`${file}, ${name}: there is no topology ${place}.`);
  const { sets = [], rules = [], packets = [] } = parts;
  return { name: `${file}: ${name}`, topology, rules: restoreTexts(rules), sets: sets.length > 0 ? `${sets.join('\n')}\n` : undefined, packets: packets.flatMap(repeated) };
}

/** `times=3` stands for three packets. */
function repeated(line: string): string[] {
  const times = / times=(\d+)/.exec(line);
  return times ? Array.from({ length: Number(times[1]) }, () => line.replace(times[0], '')) : [line];
}

/** Tables end where the next begins; behind `--` comes a text that is restored without flushing. */
function restoreTexts(lines: readonly string[]): string[] {
  return lines
    .join('\n')
    .split('\n--\n')
    .map((text, index) => text.split(/^\*/m).slice(1).map((table) => restoreTable(table.trimEnd().split('\n'), index === 0)).join(''));
}

/** `declares`: the built-in chains too, without which nft has no counters of policies. */
function restoreTable([name = '', ...lines]: readonly string[], declares: boolean): string {
  const builtIn: readonly string[] = isTableName(name) ? BUILT_IN[name] : [];
  const declared = declares ? builtIn.filter((chain) => !lines.some((line) => line.startsWith(`:${chain} `))).map((chain) => `:${chain} ACCEPT [0:0]`) : [];
  return [`*${name}`, ...declared, ...lines.flatMap(spelledOut), 'COMMIT', ''].join('\n');
}

function spelledOut(line: string): readonly string[] {
  const macro = Object.keys(MACROS).find((name) => line.endsWith(name));
  return macro ? (MACROS[macro] ?? []).map((match) => line.replace(macro, match)) : [line];
}

/** A scene as a plan to play. */
export function scenePlan(scene: Scene, backend: Backend): PlayPlan {
  const lines = scene.packets;
  return { name: scene.name, topology: scene.topology, backend, rules: scene.rules, sets: scene.sets, count: lines.length, script: (at, packets, outs) => nextPacket(lines[at] ?? '', packets, outs, scene.topology) };
}
