import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { LabError } from './shell.ts';

/** The lab never hangs. */
const PATIENCE_MS = 20_000;

/** A helper that does a line at a time: it answers each with lines of its own, then `done`. */
export class LineProcess {
  readonly #name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #errors = '';

  constructor(command: string, args: readonly string[] = []) {
    this.#name = basename(command);
    this.#child = spawn(command, args);
    // What it has to say about its end is on its standard error.
    this.#child.stdin.on('error', () => undefined);
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => { this.#errors += text; });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Its next line. Throws `LabError`. */
  async line(): Promise<string> {
    const patience = new AbortController();
    const next = await Promise.race([this.#lines.next(), setTimeout(PATIENCE_MS, null, { signal: patience.signal }).catch(() => null)]);
    patience.abort();
    if (next === null) throw new LabError(`The lab’s ${this.#name} does not answer.`);
    if (next.done) throw new LabError(`The lab’s ${this.#name} ended: ${this.#errors.trim()}`);
    return next.value;
  }

  /** Has it do one thing; returns what it answers. Throws `LabError`. */
  async ask(line: string): Promise<string[]> {
    return this.askAll([line]);
  }

  /** Has it do one thing after the other, without waiting in between. Throws `LabError`. */
  async askAll(lines: readonly string[]): Promise<string[]> {
    this.#child.stdin.write(`${lines.join('\n')}\n`);
    const answers: string[] = [];
    for (let left = lines.length; left > 0; ) {
      const next = await this.line();
      if (next === 'done') left -= 1;
      else answers.push(next);
    }
    return answers;
  }

  /** Ends it, and the namespaces that it holds with it. */
  close(): void {
    this.#child.kill('SIGKILL');
  }
}
