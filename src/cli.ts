import { UsageError, CommandError, type Command } from './cli/command.ts';

/** Every command, loaded when it is asked for: its file exports it as `command`. */
const COMMANDS: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  bench: () => import('./cli/bench.ts'),
  bpf: () => import('./cli/bpf.ts'),
  replay: () => import('./cli/replay.ts'),
  rules: () => import('./cli/rules.ts'),
  send: () => import('./cli/send.ts'),
};

const NAME = 'npm run --silent cli --';

async function overview(): Promise<string> {
  const lines = ['Usage:'];
  for (const [name, load] of Object.entries(COMMANDS)) {
    const { command } = await load();
    for (const form of command.usage) lines.push(`  ${NAME} ${name} ${form}`);
    lines.push(`      ${command.summary}`);
  }
  return lines.join('\n');
}

/** Runs one command line; returns the exit status: 0, 1 for an error, 2 for a wrong command line. */
async function main([name, ...args]: readonly string[]): Promise<number> {
  const fail = (text: string) => process.stderr.write(`${text}\n`);
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const text = await overview();
    if (name !== undefined) process.stdout.write(`${text}\n`);
    else fail(text);
    return name === undefined ? 2 : 0;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!load) {
    fail(`There is no command ${name}. Commands: ${Object.keys(COMMANDS).join(', ')}.`);
    return 2;
  }
  const { command } = await load();
  const usage = command.usage.map((form, index) => `${index === 0 ? 'Usage:' : '      '} ${NAME} ${name} ${form}`).join('\n');
  if (args.includes('--help')) {
    process.stdout.write(`${command.summary}\n${usage}\n`);
    return 0;
  }
  try {
    await command.run(args, (line) => process.stdout.write(`${line}\n`));
    return 0;
  } catch (error) {
    if (isUsageError(error)) {
      fail(`${error.message}\n${usage}`);
      return 2;
    }
    // Anything that is no CommandError is a fault of ours: its stack helps whoever reports it.
    fail(error instanceof CommandError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error));
    return 1;
  }
}

/** Ours, or one of `parseArgs`. */
function isUsageError(error: unknown): error is Error {
  return error instanceof UsageError || (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
}

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.exitCode = await main(process.argv.slice(2));
