/** How the page is laid out; which one, the window alone decides. */
export type SizeClass = 'big' | 'compact' | 'medium' | 'phone';

/** CSS px. Below 600 high there is no room for a stage that does not scroll. */
export function sizeClass(width: number, height: number): SizeClass {
  if (width < 720) return 'phone';
  if (width < 1200 || height < 600) return 'medium';
  return width >= 1400 && height >= 860 ? 'big' : 'compact';
}
