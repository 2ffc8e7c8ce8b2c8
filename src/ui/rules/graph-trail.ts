import type { ChainGraph } from '../../simulation/rules/api.ts';
import { neighbour } from './graph-walk.ts';
import type { GraphLayout } from './graph-layout.ts';

/** Which way a person went along the jumps: from where each node was come to, by the arrow key that leads back. */
export interface Trail {
  readonly ArrowLeft: ReadonlyMap<number, number>;
  readonly ArrowRight: ReadonlyMap<number, number>;
}

export const NO_TRAIL: Trail = { ArrowLeft: new Map(), ArrowRight: new Map() };

/** The node that an arrow key leads to, back the way that one came where there is one, with the trail from there; null: there is none. */
export function follow(graph: ChainGraph, layout: GraphLayout, trail: Trail, index: number, key: string): { readonly node: number; readonly trail: Trail } | null {
  if (key !== 'ArrowLeft' && key !== 'ArrowRight') {
    const node = neighbour(graph, layout, index, key);
    return node === null ? null : { node, trail };
  }
  const node = trail[key].get(index) ?? neighbour(graph, layout, index, key);
  if (node === null) return null;
  const back = key === 'ArrowLeft' ? 'ArrowRight' : 'ArrowLeft';
  return { node, trail: { ...trail, [back]: new Map(trail[back]).set(node, index) } };
}
