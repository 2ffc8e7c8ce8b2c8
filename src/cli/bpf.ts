import { BACKEND_USAGE } from './backend-option.ts';
import { UsageError, type Command } from './command.ts';

/** Forms of `bpf`, loaded when asked for. */
const FORMS: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  inspect: () => import('./bpf-inspect.ts'),
  run: () => import('./bpf-run.ts'),
  conformance: () => import('./bpf-conformance.ts'),
  replay: () => import('./bpf-replay.ts'),
};

export const command: Command = {
  usage: [
    'inspect F.o…',
    `run --program HEX|F.o [--name P] [--memory HEX] [--packet HEX] [--steps] ${BACKEND_USAGE}`,
    `conformance --cases F.json ${BACKEND_USAGE}`,
    `replay --objects DIR --cases F.jsonl [--cpus N] ${BACKEND_USAGE}`,
  ],
  summary: 'eBPF objects and programs: their spec, one run, the conformance suite, recorded packets.',
  async run([form, ...args], print) {
    const load = form !== undefined && Object.hasOwn(FORMS, form) ? FORMS[form] : undefined;
    if (!load) throw new UsageError(form === undefined ? 'Say what to do: inspect, run, conformance or replay.' : `bpf has no form ${form}: inspect, run, conformance or replay.`);
    await (await load()).command.run(args, print);
  },
};
