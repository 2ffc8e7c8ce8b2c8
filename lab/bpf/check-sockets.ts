import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { MAP } from '../../src/datapaths/ebpf/agent/layout.ts';
import type { Collection } from '../../src/datapaths/ebpf/vm.ts';
import { formatIpv4, type Ipv4 } from '../../src/packet/address.ts';
import type { LabCheck } from '../lab-check.ts';
import { LabError } from '../shell.ts';
import type { HooksLab } from './check-hooks.ts';
import { HookNode } from './hook-node.ts';
import { entryLines, mapDifference, mapsOf, type Maps } from './kernel-run.ts';
import { withSameDice } from './patch-object.ts';
import { below, fillCluster } from './random-cluster.ts';

const PROGRAMS = ['cil_sock4_connect', 'cil_sock4_sendmsg', 'cil_sock4_recvmsg', 'cil_sock4_getpeername'];
const NOW_NS = 2_000_000_000;
const TCP = 6;
const UDP = 17;
const EHOSTUNREACH = 113;
const PREFIX = 'cvmlab-';
const REVERSE = 'cilium_lb4_reverse_sk';
/** The VM's answer for every socket's cookie, and every namespace's; 8 bytes, little-endian. */
const VM_COOKIE = '0100000000000000';

/** Nobody is there. */
const OTHER = { address: 0x7f000009 as Ipv4, port: 9, protocol: TCP };

interface Place {
  readonly address: Ipv4;
  readonly port: number;
}

/** What a client's call came to: as the helper says it. */
interface Call {
  readonly error: number;
  readonly server: string;
  readonly peer: string;
  readonly heard: string;
}

/**
 * connect4.bpf.o on a cgroup's hooks: real sockets that call Services' addresses, where they end, whom getpeername and
 * recvmsg name, errors; and the same in the VM, with all maps at the end. Cookies are the kernel's own: its entries are
 * compared under those that it says the sockets have.
 */
export async function checkSockets(lab: HooksLab, calls: number, seed: number): Promise<LabCheck> {
  const name = 'connect4.bpf.o on a cgroup’s connect4, sendmsg4, recvmsg4 and getpeername4';
  const mount = readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2')?.[1];
  if (mount === undefined) return { name, passed: null, detail: 'No cgroup v2 is mounted: mount -t cgroup2 none /sys/fs/cgroup.' };
  await removeLeftovers(mount);
  const folder = join(mount, `${PREFIX}${process.pid}`);
  try {
    mkdirSync(folder);
  } catch (error) {
    return { name, passed: null, detail: `No cgroup can be made: ${error instanceof Error ? error.message : String(error)}` };
  }
  try {
    const { wrong, kinds } = await run(lab, folder, calls, seed);
    return { name, passed: wrong === null, detail: wrong ?? `${calls} calls (${[...kinds].sort().map(([kind, times]) => `${times} × ${kind}`).join(', ')}): where they ended, whom they saw, errors and maps agree.` };
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return { name, passed: null, detail: error.message };
  } finally {
    await removeCgroup(folder);
  }
}

async function run(lab: HooksLab, folder: string, calls: number, seed: number): Promise<{ readonly wrong: string | null; readonly kinds: ReadonlyMap<string, number> }> {
  const random = below(seed);
  const object = withSameDice(new Uint8Array(readFileSync(join(lab.samples, 'connect4.bpf.o'))), NOW_NS, random(2 ** 31));
  const file = join(lab.folder, 'sockets.o');
  writeFileSync(file, object);
  const collection = lab.vm.load(object, { seed: 1, cpus: lab.cpus, readers: false });
  const { frontends } = fillCluster(collection, seed);
  const node = await HookNode.start(lab.hooks, file, PROGRAMS.map((program) => `use ${program}`), entryLines(collection));
  const kinds = new Map<string, number>();
  try {
    const servers = await startServers(node, collection);
    for (const program of PROGRAMS) await node.ask(`cgroup ${folder} ${program}`);
    const vm = new VmSockets(collection, servers);
    // A server's own address, and one that nothing is at, are no Service's.
    const others = [...[...servers].flatMap(([name, place]) => (name.endsWith(`/${TCP}`) ? [{ ...place, protocol: TCP }] : [])).slice(0, 1), OTHER];
    for (let index = 0; index < calls; index++) {
      const { address, port, protocol } = (random(8) === 0 ? others[random(others.length)] : frontends[random(frontends.length)]) ?? OTHER;
      const kind = protocol === TCP ? 'connect tcp' : random(2) === 0 ? 'connect udp' : 'datagram';
      const to = { address, port };
      const [answer = ''] = await node.ask(`${kind} ${formatIpv4(address)} ${port}`);
      const [, error = '', cookie = '', netns = '', server = '', peer = '', heard = ''] = answer.split(' ');
      const kernel: Call = { error: Number(error), server, peer, heard };
      const ours = vm.call(kind, to, littleEndian(cookie), littleEndian(netns));
      const said = ours.error !== 0 ? `${kind}, errno ${ours.error}` : kind;
      kinds.set(said, (kinds.get(said) ?? 0) + 1);
      if (JSON.stringify(kernel) !== JSON.stringify(ours)) return { wrong: `${kind} ${placeText(to)}: the kernel says ${JSON.stringify(kernel)}, the VM ${JSON.stringify(ours)}`, kinds };
    }
    return { wrong: mapDifference(await node.maps(), vm.maps(), collection.spec.maps.map((map) => map.name)), kinds };
  } finally {
    node.close();
    collection.free();
  }
}

/** A server at every backend, and their addresses on lo. By `ADDRESS:PORT/PROTOCOL`. */
async function startServers(node: HookNode, collection: Collection): Promise<Map<string, Place>> {
  const servers = new Map<string, Place>();
  const listen: string[] = [];
  for (const value of mapsOf(collection).get(MAP.backends)?.values() ?? []) {
    // struct lb4_backend: address, port, protocol.
    const bytes = Buffer.from(value, 'hex');
    const place = { address: bytes.readUInt32BE(0) as Ipv4, port: bytes.readUInt16BE(4) };
    const protocol = bytes.readUInt8(6);
    servers.set(`${placeText(place)}/${protocol}`, place);
    listen.push(`listen ${protocol === TCP ? 'tcp' : 'udp'} ${formatIpv4(place.address)} ${place.port}`);
  }
  node.ip(['link set lo up', ...[...new Set([...servers.values()].map(({ address }) => address))].map((address) => `addr add ${formatIpv4(address)}/32 dev lo`)]);
  for (const line of new Set(listen)) await node.ask(line);
  return servers;
}

/** The same calls, with the programs in the VM. */
class VmSockets {
  readonly #collection: Collection;
  readonly #servers: ReadonlyMap<string, Place>;
  /** Entries that sockets have left, under their cookies. */
  readonly #remembered = new Map<string, string>();
  #netns = VM_COOKIE;

  constructor(collection: Collection, servers: ReadonlyMap<string, Place>) {
    this.#collection = collection;
    this.#servers = servers;
  }

  call(kind: string, to: Place, cookie: string, netns: string): Call {
    this.#netns = netns;
    const protocol = kind === 'connect tcp' ? TCP : UDP;
    const asked = this.#run(kind === 'datagram' ? 'cil_sock4_sendmsg' : 'cil_sock4_connect', to, protocol);
    for (const [key, value] of mapsOf(this.#collection).get(REVERSE) ?? []) {
      this.#remembered.set(cookie + key.slice(VM_COOKIE.length), value);
    }
    const failed = (error: number): Call => ({ error, server: '-', peer: '-', heard: '-' });
    const result = asked.allowed ? this.#arrive(kind, asked.to, protocol) : failed(EHOSTUNREACH);
    // The next socket has another cookie: what this one left is not its.
    this.#collection.clear(REVERSE);
    return result;
  }

  #arrive(kind: string, at: Place, protocol: number): Call {
    const server = this.#servers.has(`${placeText(at)}/${protocol}`) ? placeText(at) : null;
    // Nobody listens: on lo a reset comes at once.
    if (server === null && protocol === TCP) return { error: 111, server: '-', peer: '-', heard: '-' };
    const peer = kind === 'datagram' ? '-' : placeText(this.#run('cil_sock4_getpeername', at, protocol).to);
    const heard = protocol === UDP && server !== null ? placeText(this.#run('cil_sock4_recvmsg', at, protocol).to) : '-';
    return { error: 0, server: server ?? '-', peer, heard };
  }

  /** `struct bpf_sock_addr`, 72 bytes. */
  #run(program: string, { address, port }: Place, protocol: number): { readonly allowed: boolean; readonly to: Place } {
    const view = new DataView(new ArrayBuffer(72));
    view.setUint32(0, 2, true);
    view.setUint32(4, address);
    view.setUint16(24, port);
    view.setUint32(28, 2, true);
    view.setUint32(32, protocol === TCP ? 1 : 2, true);
    view.setUint32(36, protocol, true);
    const { returnValue, data } = this.#collection.run(program, { data: new Uint8Array(view.buffer) });
    const out = new DataView(data.buffer, data.byteOffset);
    return { allowed: returnValue === 1, to: { address: out.getUint32(4) as Ipv4, port: out.getUint16(24) } };
  }

  /** As the kernel should have them: under its cookies. */
  maps(): Maps {
    const maps = new Map(mapsOf(this.#collection));
    if (this.#remembered.size > 0) maps.set(REVERSE, this.#remembered);
    const affinity = maps.get(MAP.affinity);
    if (affinity) maps.set(MAP.affinity, new Map([...affinity].map(([key, value]) => [this.#netns + key.slice(VM_COOKIE.length), value])));
    return maps;
  }
}

const placeText = ({ address, port }: Place) => `${formatIpv4(address)}:${port}`;

function littleEndian(cookie: string): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(cookie || '0'));
  return bytes.toString('hex');
}

/** Cgroups of runs that were killed. */
async function removeLeftovers(mount: string): Promise<void> {
  const left = readdirSync(mount).filter((name) => name.startsWith(PREFIX) && !existsSync(`/proc/${name.slice(PREFIX.length)}`));
  for (const name of left) await removeCgroup(join(mount, name));
}

/** It can go once the process in it has. */
async function removeCgroup(folder: string): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    try {
      rmdirSync(folder);
      return;
    } catch {
      await setTimeout(20);
    }
  }
}
