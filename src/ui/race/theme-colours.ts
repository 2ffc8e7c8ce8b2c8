import type { StripColours } from './paint-strip.ts';

/** A canvas does not know the page's tokens: their present values. */
export function themeColours(): StripColours {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(name).trim();
  return { cell: token('--cell'), done: token('--chain-done'), hot: token('--chain-hot'), background: token('--bg') };
}
