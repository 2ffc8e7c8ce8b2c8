import { compareBlobs } from './blob.ts';
import { checkBpf } from './bpf/check.ts';
import type { LabCheck } from './lab-check.ts';
import { machine } from './machine.ts';
import { checkNetfilter } from './netfilter/check.ts';
import { checkNft } from './nft/check.ts';
import { Workshop } from './workshop.ts';

export interface CheckOptions {
  /** Random packets through the project's own objects; 10,000 unless given. */
  readonly packets?: number | undefined;
  /** Random rule sets for each of iptables' backends; 100 unless given. */
  readonly cases?: number | undefined;
  /** Of everything random; 1 unless given. */
  readonly seed?: number | undefined;
  readonly say: (line: string) => void;
}

/** The engines against this machine's kernel: netfilter's rules, tables' sizes, and BPF objects packet by packet. */
export async function check({ packets = 10_000, cases = 100, seed = 1, say }: CheckOptions): Promise<LabCheck[]> {
  return [...(await checkNetfilter({ cases, seed, say })), ...checkTables(say), ...checkNft(say).map((one) => ({ ...one, quiet: true })), ...(await checkBpf({ packets, seed, say }))];
}

/** The same rules in legacy ip_tables and in the engine: entries and bytes of each table. */
function checkTables(say: (line: string) => void): LabCheck[] {
  const name = 'tables of legacy ip_tables and of the engine';
  const found = machine();
  if (!found.packets || !found.legacy) return [{ name, passed: null, detail: found.missing.join(' ') }];
  say('tables of 1 to 5,000 Services');
  const workshop = new Workshop();
  try {
    return compareBlobs(workshop).map(({ services, table, kernel, engine }) => ({
      name: `${services} Services, table ${table}`,
      passed: kernel.entries === engine.entries && kernel.bytes === engine.bytes,
      detail: `kernel: ${kernel.entries} entries of ${kernel.bytes} bytes; engine: ${engine.entries} of ${engine.bytes}`,
      quiet: true,
    }));
  } finally {
    workshop.close();
  }
}
