import { readFileSync } from 'node:fs';
import { cpus, platform, release } from 'node:os';
import process from 'node:process';
import { hasCommand } from './shell.ts';

/** What this machine can measure. Every `false` has its sentence in `missing`. */
export interface Machine {
  /** Namespaces, veth pairs and a compiler for the stopwatch: without them nothing is measured. */
  readonly packets: boolean;
  readonly legacy: boolean;
  readonly nft: boolean;
  /** tc, bpftool and clang: the map lane and the split of the way. */
  readonly bpf: boolean;
  readonly kernel: string;
  readonly processor: string;
  /** Sentences: what is missing, what was therefore not measured, and how to have it. */
  readonly missing: readonly string[];
}

const PACKAGES = 'apt-get install iptables nftables iproute2 clang llvm libbpf-dev bpftool gcc';

/** Looks at the machine; changes nothing. */
export function machine(): Machine {
  const missing: string[] = [];
  const need = (what: string, commands: readonly string[]) => {
    const absent = commands.filter((command) => !hasCommand(command));
    if (absent.length > 0) missing.push(`${absent.join(', ')} ${absent.length === 1 ? 'is' : 'are'} not installed, so ${what} (${PACKAGES}).`);
    return absent.length === 0;
  };
  const linux = platform() === 'linux';
  if (!linux) missing.push(`This is ${platform()}, not Linux: there is no kernel here whose netfilter and BPF could be measured. Nothing was measured.`);
  const root = linux && process.getuid?.() === 0;
  if (linux && !root) missing.push('Network namespaces, iptables and BPF need root: run it with sudo. Nothing was measured.');
  const tools = root && need('nothing was measured', ['ip', 'nsenter', 'sysctl', 'cc']);
  const legacy = tools && need('iptables-legacy was not measured', ['iptables-legacy-restore']);
  const nft = tools && need('iptables-nft was not measured', ['iptables-nft-restore']);
  const bpf = tools && need('the eBPF program and the split of the way were not measured, and no profile is written', ['tc', 'bpftool', 'clang']);
  const virtual = linux && /^flags\s*:.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
  const count = cpus().length;
  return {
    packets: tools,
    legacy,
    nft,
    bpf,
    kernel: `Linux ${release()}`,
    processor: `${(cpus()[0]?.model ?? 'unknown processor').trim()}, ${count} CPU${count === 1 ? '' : 's'}${virtual ? ', virtual machine' : ''}`,
    missing,
  };
}
