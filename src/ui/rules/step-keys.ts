import type { RulesState } from './rules-state.svelte.ts';

/** Arrows go rule by rule through the walk and Page keys chain by chain, wherever no control has the focus that they belong to. */
export function stepKey(event: KeyboardEvent, state: RulesState): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !state.walk) return;
  const control = event.target instanceof Element ? event.target.closest('input, select, textarea, summary, dialog, [role="slider"], [role="radio"], [contenteditable], [data-node]') : null;
  if (control) return;
  // A list that scrolls keeps its Page keys.
  if (event.key.startsWith('Page') && event.target instanceof Element && event.target.closest('[role="group"][tabindex]')) return;
  switch (event.key) {
    case 'ArrowLeft':
      state.go('rule', -1);
      break;
    case 'ArrowRight':
      state.go('rule', 1);
      break;
    case 'PageUp':
      state.go('stop', -1);
      break;
    case 'PageDown':
      state.go('stop', 1);
      break;
    default:
      return;
  }
  event.preventDefault();
}
