import type { ProgramsState } from './programs-state.svelte.ts';

/** Arrow keys step, Page keys go from map access to map access, Home and End to the ends, wherever no control needs them. */
export function stepKey(event: KeyboardEvent, page: Pick<ProgramsState, 'trace' | 'place' | 'seek' | 'seekAccess'>): void {
  if (!page.trace || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const needs = event.target instanceof Element ? event.target.closest('input, select, textarea, dialog, [role="slider"], [popover], [contenteditable]') : null;
  if (needs) return;
  switch (event.key) {
    case 'ArrowRight':
    case 'ArrowDown':
      page.seek(page.place + 1);
      break;
    case 'ArrowLeft':
    case 'ArrowUp':
      page.seek(page.place - 1);
      break;
    case 'PageDown':
      page.seekAccess(1);
      break;
    case 'PageUp':
      page.seekAccess(-1);
      break;
    case 'Home':
      page.seek(0);
      break;
    case 'End':
      page.seek(page.trace.end);
      break;
    default:
      return;
  }
  event.preventDefault();
}
