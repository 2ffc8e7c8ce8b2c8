import type { Scene } from './scene.ts';

/** From here on a second thread is worth its start, and what it takes of a phone's memory. */
const LARGE = 20_000;

/**
 * Whether each lane of the scene is built in a thread of its own. Only of presets: each thread makes the same cluster from
 * the seed, where a person's text would have to be read twice.
 */
export function lanesApart({ cluster }: Scene): boolean {
  return cluster.kind === 'preset' && Number(cluster.preset) >= LARGE;
}
