import type { Backend } from '../datapaths/ebpf/vm.ts';
import { UsageError } from './command.ts';

/** As usage lines show it. */
export const BACKEND_USAGE = '[--backend rbpf|compiled]';

/** What `--backend` says runs programs: rbpf, or modules that they are compiled to before their first run. */
export function backendOf<Fallback extends Backend>(given: string | undefined, fallback: Fallback): 'rbpf' | 'compiled' | Fallback {
  if (given === undefined) return fallback;
  if (given !== 'rbpf' && given !== 'compiled') throw new UsageError('--backend is rbpf or compiled.');
  return given;
}
