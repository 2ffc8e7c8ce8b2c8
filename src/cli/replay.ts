import { parseArgs } from 'node:util';
import { replay, type ReplayCase } from '../datapaths/iptables/netfilter/replay.ts';
import type { Command } from './command.ts';
import { readInput, required } from './input.ts';

/** Netfilter cases as `tests/conformance/netfilter/README.md` describes them, one JSON line each, one line back each. */
export const command: Command = {
  usage: ['--cases F.jsonl'],
  summary: 'Runs netfilter cases: outcomes, rules matched and counters, one JSON line a case.',
  run(args, print) {
    const { values } = parseArgs({ args: [...args], options: { cases: { type: 'string' } } });
    const file = required(values.cases, 'cases');
    readInput(file).split('\n').forEach((line, index) => {
      if (line.trim() !== '') print(JSON.stringify(replayLine(line, `line ${index + 1}`)));
    });
  },
};

/** The result of one line; what is wrong with a case is its result, and the next one runs. */
export function replayLine(line: string, otherwise: string): object {
  let name = otherwise;
  try {
    const record = JSON.parse(line) as unknown;
    if (typeof record === 'object' && record !== null && 'name' in record && typeof record.name === 'string') name = record.name;
    return replay(asCase(record));
  } catch (error) {
    return { name, error: error instanceof Error ? error.message : String(error) };
  }
}

function asCase(record: unknown): ReplayCase {
  if (typeof record !== 'object' || record === null) throw new Error('a case is a JSON object');
  const fields = record as Readonly<Record<string, unknown>>;
  const topology = fields['topology.json'] as { readonly interfaces?: unknown; readonly routes?: unknown } | null | undefined;
  if (typeof fields['name'] !== 'string') throw new Error('"name" is missing: a text');
  if (!Array.isArray(topology?.interfaces) || !Array.isArray(topology.routes)) throw new Error('"topology.json" is missing: an object with "interfaces" and "routes"');
  if (typeof fields['rules.restore'] !== 'string') throw new Error('"rules.restore" is missing: the text for iptables-restore');
  if (fields['ipsets.txt'] !== undefined && typeof fields['ipsets.txt'] !== 'string') throw new Error('"ipsets.txt" is not a text');
  if (!Array.isArray(fields['packets.json'])) throw new Error('"packets.json" is missing: a list of packets');
  return record as ReplayCase;
}
