import { PRESETS, type PresetId, type SceneCluster } from '../../simulation/scene.ts';

/** Where the Services slider can stand: the presets in their order. */
export const SERVICE_STOPS: readonly PresetId[] = PRESETS;

/** The slider's stop; −1: the person's own cluster. */
export function stopOf(cluster: SceneCluster): number {
  return cluster.kind === 'preset' ? SERVICE_STOPS.indexOf(cluster.preset) : -1;
}

/** The preset with that many Services; null: there is none. */
export function presetOf(services: number): PresetId | null {
  return SERVICE_STOPS.find((preset) => preset === String(services)) ?? null;
}
