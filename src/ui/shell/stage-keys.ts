import type { Clock } from './clock.svelte.ts';

/** Space plays and pauses wherever no control has the focus that Space belongs to. */
export function stageKeys(event: KeyboardEvent, clock: Clock): void {
  if (event.key !== ' ' || event.defaultPrevented || event.repeat) return;
  const focused = event.target instanceof Element ? event.target.closest('button, a, input, select, textarea, summary, dialog, [role="slider"], [contenteditable]') : null;
  if (focused) return;
  event.preventDefault();
  clock.toggle();
}
