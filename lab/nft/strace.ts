import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { standingRules } from '../../src/datapaths/iptables/kube-proxy/index.ts';
import type { NftTraffic } from '../../src/datapaths/iptables/nft-traffic.ts';
import { LabError, shell } from '../shell.ts';
import type { Workshop } from '../workshop.ts';

/** Counters of packets that kube-proxy makes at its start where nfacct is at hand. */
const ACCOUNTS = ['ct_state_invalid_dropped_pkts', 'localhost_nps_accepted_pkts'];

/**
 * kube-proxy's chains, and the jumps to them, made one by one with iptables-nft as kube-proxy does at its start: a
 * built-in chain then stands in the kernel only where a rule was put into it.
 */
export function setUp(workshop: Workshop, netns: string, { accounts }: { readonly accounts: boolean }): void {
  if (accounts) for (const account of ACCOUNTS) workshop.inside(netns, 'nfacct', ['add', account]);
  const commands: string[] = [];
  let table = '';
  for (const line of standingRules().split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    else if (line.startsWith(':') && line.includes(' - ')) commands.push(`iptables-nft -w -t ${table} -N ${line.slice(1, line.indexOf(' '))}`);
    else if (line.startsWith('-A ')) commands.push(`iptables-nft -w -t ${table} ${line}`);
  }
  workshop.inside(netns, 'sh', ['-e'], `${commands.join('\n')}\n`);
}

/**
 * Hands a payload to iptables-nft-restore under strace and sums up what its calls returned. Left out, as the model does:
 * the questions for the extensions' revisions, each on a socket of its own.
 */
export function recordTraffic(workshop: Workshop, netns: string, payload: string): NftTraffic {
  const output = join(workshop.folder, 'nft-trace');
  rmSync(output, { force: true });
  // What is sent is not written out: its length is in what the calls return.
  shell('nsenter', [`--net=${netns}`, 'strace', '-s', '0', '-e', 'trace=socket,sendto,sendmsg,recvmsg', '-e', 'signal=none', '-o', output, 'iptables-nft-restore', '-w', '--noflush', '--counters'], { input: payload, timeoutMs: 300_000 });
  return sumCalls(readFileSync(output, 'utf8'));
}

/**
 * Sums a trace of socket, sendto, sendmsg and recvmsg, each line a call and what it returned: those on the first netlink
 * socket, which stays open to the end. Throws `LabError` for a line that is none.
 */
export function sumCalls(trace: string): NftTraffic {
  const calls = { sendto: 0, sendmsg: 0, recvmsg: 0 };
  const bytes = { sendto: 0, sendmsg: 0, recvmsg: 0 };
  let socket: string | null = null;
  for (const line of trace.split('\n')) {
    if (line === '' || line.startsWith('+++')) continue;
    const [, name = '', first = '', returned = ''] = /^(socket|sendto|sendmsg|recvmsg)\(([^,]+),.* = (\d+)$/.exec(line) ?? [];
    if (name === 'socket') {
      if (first === 'AF_NETLINK') socket ??= returned;
    } else if (name === 'sendto' || name === 'sendmsg' || name === 'recvmsg') {
      if (first !== socket) continue;
      calls[name] += 1;
      bytes[name] += Number(returned);
    } else {
      throw new LabError(`Not understood in strace’s output: “${line.slice(0, 200)}”.`);
    }
  }
  return { requests: calls.sendto, requestBytes: bytes.sendto, answers: calls.recvmsg, answerBytes: bytes.recvmsg, batches: calls.sendmsg, batchBytes: bytes.sendmsg };
}

/** Of `iptables v1.8.9 (nf_tables)`, `1.8.9`. */
export function iptablesVersion(): string {
  return /v(\d[\d.]*)/.exec(spawnSync('iptables-nft', ['-V'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? 'unknown';
}
