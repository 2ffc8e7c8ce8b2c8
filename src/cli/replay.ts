import { parseArgs } from 'node:util';
import { readReplayCase } from '../datapaths/iptables/netfilter/replay-case.ts';
import { replay } from '../datapaths/iptables/netfilter/replay.ts';
import { FieldError, parseJson } from '../datapaths/json-fields.ts';
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

/** The result of one line; what is wrong with a case is its result, and the next one runs. `place`: `line 3`. */
export function replayLine(line: string, place: string): object {
  let name = place;
  try {
    const record = parseJson(line);
    if (typeof record === 'object' && record !== null && 'name' in record && typeof record.name === 'string') name = record.name;
    return replay(readReplayCase(record));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { name, error: error instanceof FieldError ? `${place} of the cases: ${error.message}` : error.message };
  }
}
