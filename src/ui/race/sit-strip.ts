import type { StripGeometry } from './strip-geometry.ts';

interface Room {
  readonly stripTop: number;
  readonly stripHeight: number;
}

/** Cells of whole pixels may be lower than their room: the strip sits on the axis, and what is left over is above it. */
export function sitStrip<Layout extends Room>(layout: Layout, { height }: Pick<StripGeometry, 'height'>): Layout {
  return { ...layout, stripTop: layout.stripTop + layout.stripHeight - height, stripHeight: height };
}
