import type { Clock } from '../shell/clock.svelte.ts';

/** Keys of the playhead: arrows one step, Page keys one stage, Home and End. Whether the key was one of them. */
export function clockKeys(event: KeyboardEvent, clock: Clock): boolean {
  switch (event.key) {
    case 'ArrowRight':
    case 'ArrowUp':
      clock.step('step', 1);
      break;
    case 'ArrowLeft':
    case 'ArrowDown':
      clock.step('step', -1);
      break;
    case 'PageUp':
      clock.step('stage', 1);
      break;
    case 'PageDown':
      clock.step('stage', -1);
      break;
    case 'Home':
      clock.seek(0);
      break;
    case 'End':
      clock.seek(clock.course.end);
      break;
    case ' ':
      clock.toggle();
      break;
    default:
      return false;
  }
  event.preventDefault();
  event.stopPropagation();
  return true;
}
