import { spawnSync } from 'node:child_process';
import process from 'node:process';

/** A command of the lab that failed; its message is a sentence for a person. */
export class LabError extends Error {
  override readonly name = 'LabError';
}

export interface ShellOptions {
  readonly input?: string;
  /** The lab never hangs: what takes longer is ended. 60 s unless told. */
  readonly timeoutMs?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a command to its end and returns its standard output. Throws `LabError` with what it wrote to standard error. */
export function shell(command: string, args: readonly string[], options: ShellOptions = {}): string {
  const timeout = options.timeoutMs ?? 60_000;
  const result = spawnSync(command, args, { input: options.input ?? '', encoding: 'utf8', timeout, killSignal: 'SIGKILL', maxBuffer: 1 << 28, ...(options.environment ? { env: { ...process.env, ...options.environment } } : {}) });
  const line = [command, ...args].join(' ').slice(0, 200);
  if (result.error && 'code' in result.error && result.error.code === 'ENOENT') throw new LabError(`${command} is not installed.`);
  if (result.signal) throw new LabError(`“${line}” was ended after ${timeout / 1000} s.`);
  if (result.status !== 0) throw new LabError(`“${line}” failed: ${result.stderr.trim().slice(0, 600) || `status ${result.status}`}`);
  return result.stdout;
}

/** Whether a command can be found. */
export function hasCommand(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;
}
