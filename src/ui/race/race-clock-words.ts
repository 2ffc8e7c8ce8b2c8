import { m } from '../../i18n/paraglide/messages.js';
import type { Lane } from '../../simulation/api.ts';
import { ending } from './race-model.ts';

/** `arrived at 5.6 µs`, or how else a lane ended. */
export function endingAt(lane: Lane, time: string): string {
  switch (ending(lane)) {
    case 'arrived': return m.race_arrived_at({ time });
    case 'left': return m.race_left_at({ time });
    case 'refused': return m.race_refused_at({ time });
    case 'dropped': return m.race_dropped_at({ time });
  }
}

/** The caption of a lane's time: running, or how it ended. */
export function endingWord(lane: Lane, ended: boolean): string {
  if (!ended) return m.race_elapsed();
  switch (ending(lane)) {
    case 'arrived': return m.race_arrived();
    case 'left': return m.race_left();
    case 'refused': return m.race_refused();
    case 'dropped': return m.race_dropped();
  }
}
