import { scaleLog } from 'd3-scale';
import type { Point } from '../../cost/profile.ts';

export interface Plotted { readonly point: Point; readonly x: number; readonly y: number }

/**
 * Places a profile's whole times, log–log, in a box of `width` × `height` px; a logarithm has no place for 0 Services,
 * so those points are left out. `setting`: x of the present number of Services, null where it is 0 or there is no point.
 */
export function plot(points: readonly Point[], connection: Point['connection'], services: number, width: number, height: number): { plotted: readonly Plotted[]; setting: number | null } {
  const shown = points.filter((point) => point.connection === connection && point.services > 0 && point.ns > 0);
  if (shown.length === 0) return { plotted: [], setting: null };
  const counts = shown.map((point) => point.services).concat(services > 0 ? [services] : []);
  const times = shown.map(({ ns }) => ns);
  // Half and twice: a single point stands in the middle.
  const x = scaleLog([Math.min(...counts) / 2, Math.max(...counts) * 2], [0, width]);
  const y = scaleLog([Math.min(...times) / 2, Math.max(...times) * 2], [height, 0]);
  return { plotted: shown.map((point) => ({ point, x: x(point.services), y: y(point.ns) })), setting: services > 0 ? x(services) : null };
}
