import { readFileSync } from 'node:fs';
import { CommandError, UsageError } from './command.ts';

const STANDARD_INPUT = 0;

/** The text of a file; `-` is standard input. Throws `CommandError` with the system's own reason. */
export function readInput(file: string): string {
  try {
    return readFileSync(file === '-' ? STANDARD_INPUT : file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? (REASONS[String(error.code)] ?? error.message) : String(error);
    throw new CommandError(`${file}: ${reason}`, { cause: error });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file.',
  EISDIR: 'this is a folder; name a file in it.',
  EACCES: 'this file may not be read by you.',
};

/** The value of an option that a command cannot do without. */
export function required(value: string | undefined, option: string): string {
  if (value === undefined || value === '') throw new UsageError(`--${option} is missing.`);
  return value;
}

/** JSON of a file. Throws `CommandError` with the parser's own words. */
export function readJson(file: string): unknown {
  const text = readInput(file);
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as unknown;
  } catch (error) {
    throw new CommandError(`${file}: this is not JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
