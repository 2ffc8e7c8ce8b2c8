import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PresetName } from '../../kubernetes/presets.ts';
import { CommandError } from '../command.ts';

/** What a page's first picture of a cluster takes: both lanes opened, the first packet raced, the first window of each read. */
export interface FirstPicture {
  /** Rules, and map entries. */
  readonly rules: number;
  readonly entries: number;
  readonly ms: number;
  readonly openMs: number;
  readonly raceMs: number;
  readonly windowMs: number;
  /** Memory of the whole process at its most, MB. */
  readonly peakMB: number;
  /** That the engines worked in, side by side. */
  readonly threads: number;
  /** What became of the packet in each lane. */
  readonly verdicts: readonly string[];
  /** Rules and map entries that were read. */
  readonly shown: readonly number[];
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** Two folders below the root, as this one's parent: there the engines' built files are found. */
const BUNDLES = '.cache/bench';

/**
 * Measures it in a process of its own, from bundles as a page has them: nothing is warm there, and neither a loader of
 * TypeScript nor any other memory counts. `threads`: one for each lane as on the page, or one for both.
 */
export function firstPicture(size: PresetName, threads: 'one' | 'two' = 'two'): FirstPicture {
  const vite = `import('vite').then(({ build }) => build(${JSON.stringify({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: true,
      target: 'node20',
      outDir: BUNDLES,
      emptyOutDir: true,
      rollupOptions: {
        input: { 'first-picture-page': 'src/cli/bench/first-picture-page.ts', 'engines-worker': 'src/cli/bench/engines-worker.ts' },
        output: { entryFileNames: '[name].js', chunkFileNames: '[name].js' },
      },
    },
  })}))`;
  node('bundled', ['--input-type=module', '--eval', vite]);
  return JSON.parse(node('made', [`${ROOT}${BUNDLES}/first-picture-page.js`, size, threads])) as FirstPicture;
}

function node(done: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new CommandError(`The first picture was not ${done}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}
