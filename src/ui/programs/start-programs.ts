import { ProgramsClient } from '../../simulation/programs/client.ts';
import { ProgramsState } from './programs-state.svelte.ts';

/** The state that was kept, or a new one with a worker of its own. */
export function startPrograms(kept: () => { state: ProgramsState | null }): ProgramsState {
  const holder = kept();
  holder.state ??= new ProgramsState(new ProgramsClient());
  return holder.state;
}
