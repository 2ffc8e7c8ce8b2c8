import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { shell } from './shell.ts';

const NETNS = '/run/netns';
const PREFIX = 'cvmlab';
const LAB = dirname(fileURLToPath(import.meta.url));
export const ROOT = join(LAB, '..');

/** Everything that a run makes on the machine, and takes away again: files, a BPF file system, network namespaces. */
export class Workshop {
  readonly folder: string;
  /** Where programs and maps are pinned. */
  readonly bpffs: string;
  readonly #namespaces: string[] = [];
  #mounted = false;
  #probe: string | null = null;

  constructor() {
    removeLeftovers();
    this.folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
    this.bpffs = join(this.folder, 'bpf');
  }

  /** Makes a namespace; returns its path, as nsenter takes it (`ip netns exec` would hide the BPF file system). */
  namespace(name: string): string {
    const full = `${PREFIX}${process.pid}-${name}`;
    shell('ip', ['netns', 'add', full]);
    this.#namespaces.push(full);
    const path = join(NETNS, full);
    // Neither neighbour discovery nor path filters: only the packets that are sent.
    shell('nsenter', [`--net=${path}`, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.default.rp_filter=0', 'net.ipv4.ip_forward=1']);
    shell('ip', ['-n', full, 'link', 'set', 'lo', 'up']);
    return path;
  }

  /** Takes one away before the end. */
  removeNamespace(path: string): void {
    const name = path.slice(NETNS.length + 1);
    const index = this.#namespaces.indexOf(name);
    if (index >= 0) this.#namespaces.splice(index, 1);
    shell('ip', ['netns', 'del', name]);
  }

  inside(netns: string, command: string, args: readonly string[], input = '', timeoutMs = 120_000): string {
    return shell('nsenter', [`--net=${netns}`, command, ...args], { input, timeoutMs });
  }

  /** The compiled stopwatch. */
  get probe(): string {
    if (!this.#probe) {
      this.#probe = join(this.folder, 'probe');
      shell('cc', ['-O2', '-o', this.#probe, join(LAB, 'probe.c')]);
    }
    return this.#probe;
  }

  /** The library that listens to iptables-restore's calls. */
  get restoreClock(): string {
    const library = join(this.folder, 'restore-clock.so');
    if (!existsSync(library)) shell('cc', ['-O2', '-shared', '-fPIC', '-o', library, join(LAB, 'restore-clock.c'), '-ldl']);
    return library;
  }

  /** Compiles one of the lab's own BPF sources. */
  compileBpf(name: string): string {
    const object = join(this.folder, `${name}.o`);
    const multiarch = ['x86_64', 'aarch64'].map((cpu) => `/usr/include/${cpu}-linux-gnu`).filter(existsSync);
    shell('clang', ['-O2', '-g', '-Wall', '-target', 'bpf', '-mcpu=v3', ...multiarch.flatMap((folder) => ['-I', folder]), '-I', join(ROOT, 'bpf-samples'), '-c', join(LAB, `${name}.bpf.c`), '-o', object]);
    return object;
  }

  /** Loads an object; its programs are pinned under `programs/`, its maps under `maps/` of the returned folder. `known`: maps to use as they are pinned, by name. */
  loadBpf(object: string, name: string, known: Readonly<Record<string, string>> = {}): string {
    if (!this.#mounted) {
      mkdirSync(this.bpffs);
      shell('mount', ['-t', 'bpf', 'bpf', this.bpffs]);
      this.#mounted = true;
    }
    const folder = join(this.bpffs, name);
    mkdirSync(folder);
    mkdirSync(join(folder, 'maps'));
    shell('bpftool', ['prog', 'loadall', object, join(folder, 'programs'), ...Object.entries(known).flatMap(([map, path]) => ['map', 'name', map, 'pinned', path]), 'pinmaps', join(folder, 'maps')]);
    return folder;
  }

  /** Takes everything away. Safe to call twice. */
  close(): void {
    for (const name of this.#namespaces.splice(0)) tryShell('ip', ['netns', 'del', name]);
    if (this.#mounted) tryShell('umount', ['-l', this.bpffs]);
    this.#mounted = false;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Namespaces and folders of runs that were killed. */
function removeLeftovers(): void {
  const left = (folder: string) =>
    (existsSync(folder) ? readdirSync(folder) : []).filter((name) => {
      const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
      return pid !== undefined && !existsSync(`/proc/${pid}`);
    });
  for (const name of left(NETNS)) tryShell('ip', ['netns', 'del', name]);
  for (const name of left(tmpdir())) {
    tryShell('umount', ['-l', join(tmpdir(), name, 'bpf')]);
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function tryShell(command: string, args: readonly string[]): void {
  try {
    shell(command, args);
  } catch {
    // It is gone already, or stays: there is nothing more to do about it at the end.
  }
}
