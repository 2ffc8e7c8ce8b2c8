/** What the stage is laid out for, px; on a larger screen, a projector's, all of it is drawn larger, text too. */
const LAID_OUT = { width: 1440, height: 900 };
const FROM_WIDTH = 1600;
/** Steps in which it grows: between them a window is pulled without everything moving. */
const STEP = 0.05;

/** How much larger than laid out everything is drawn in a window of that size. */
export function stageZoom(width: number, height: number): number {
  if (width < FROM_WIDTH) return 1;
  const room = Math.min(width / LAID_OUT.width, height / LAID_OUT.height);
  return Math.max(1, Math.floor(room / STEP + 1e-9) * STEP);
}

/** Browsers from before `zoom` had a standard reckon with it in another way: there everything stays as it is laid out. */
export function canZoom(): boolean {
  return 'currentCSSZoom' in Element.prototype;
}

/** How much larger than laid out the page is drawn now: what a pointer or a box tells in px of the window is so many times that of the layout. */
export function pageZoom(): number {
  const { documentElement: root } = document;
  return root.offsetWidth > 0 ? root.getBoundingClientRect().width / root.offsetWidth : 1;
}
