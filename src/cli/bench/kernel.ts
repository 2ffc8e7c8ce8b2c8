import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the machine's own kernel does with the same rules. */
export interface KernelTimes {
  /** iptables-legacy-restore of the payload into chains that stand already, ms, of each run. */
  readonly restoreMs: readonly number[];
  /** Median time of sending a flow's first packet to each of the given Services, ns. */
  readonly sendNs: readonly number[];
}

/** Why the kernel cannot be asked here, or its times. */
export type KernelAnswer = { readonly ok: true; readonly times: KernelTimes } | { readonly ok: false; readonly reason: string };

/**
 * Runs the rules through iptables-legacy in network namespaces of their own: `payload` is timed while it loads, packets go
 * through `udp`, the same rules for UDP. Needs Linux, root, iproute2 and iptables.
 */

export function askKernel(standing: string, payload: string, udp: string, services: readonly string[], rounds: number, runs: number): KernelAnswer {
  if (process.platform !== 'linux') return { ok: false, reason: 'the machine does not run Linux' };
  if (process.getuid?.() !== 0) return { ok: false, reason: 'network namespaces need root' };
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    writeFileSync(join(folder, 'standing'), standing);
    writeFileSync(join(folder, 'payload'), payload);
    writeFileSync(join(folder, 'udp'), udp);
    const restoreMs: number[] = [];
    for (let run = 0; run < runs; run++) {
      const answer = inNamespace(`iptables-legacy-restore < standing && date +%s%N && iptables-legacy-restore --noflush --counters < payload && date +%s%N`, folder);
      const [start, end] = answer.stdout.trim().split('\n').map(BigInt);
      if (answer.status !== 0 || start === undefined || end === undefined) return { ok: false, reason: `iptables-legacy-restore: ${answer.stderr.trim() || 'failed'}` };
      restoreMs.push(Number(end - start) / 1e6);
    }
    const probe = [process.execPath, ...process.execArgv, fileURLToPath(new URL('./kernel-probe.ts', import.meta.url)), String(rounds), ...services].map((word) => `'${word}'`).join(' ');
    const routes = 'ip link set lo up && ip route add 10.96.0.0/12 dev lo && ip route add local 10.244.0.0/16 dev lo && ip route add local 10.0.0.0/8 dev lo metric 10';
    const sends = inNamespace(`iptables-legacy-restore < standing && iptables-legacy-restore --noflush < udp && ${routes} && ${probe}`, folder);
    if (sends.status !== 0) return { ok: false, reason: `sending packets: ${sends.stderr.trim() || 'failed'}` };
    return { ok: true, times: { restoreMs, sendNs: sends.stdout.trim().split('\n').map(Number) } };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function inNamespace(script: string, cwd: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr, error } = spawnSync('unshare', ['--net', 'sh', '-c', script], { cwd, encoding: 'utf8' });
  return { status, stdout: stdout ?? '', stderr: error ? error.message : (stderr ?? '') };
}
