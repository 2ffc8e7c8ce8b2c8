/** One command of the command line: a file in this folder, and a line in `src/cli.ts`. */
export interface Command {
  /** What is typed after the command's name: `--cluster F [--out DIR]`. One line for each form. */
  readonly usage: readonly string[];
  /** One sentence for the list of commands. */
  readonly summary: string;
  /**
   * `args` are the words after the command's name. `print` writes one line to standard output. Throws `UsageError`
   * (exit status 2) and `CommandError` (exit status 1).
   */
  run(args: readonly string[], print: (line: string) => void): void | Promise<void>;
}

/** The command line itself is wrong; the command's usage is printed after the sentence. Exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command could not do all of its work. Its message is one or more whole lines for standard error. Exit status 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
