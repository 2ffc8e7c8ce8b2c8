/** Sizes of the seeded presets, in Services with two endpoints each; `shop` is the small realistic one. */
export const PRESETS = ['shop', '1', '50', '500', '5000', '20000', '50000'] as const;
export type PresetId = (typeof PRESETS)[number];

export type SceneCluster =
  | { readonly kind: 'preset'; readonly preset: PresetId }
  /** What a person pasted or dropped: kubectl's YAML or JSON, whole. */
  | { readonly kind: 'text'; readonly text: string };

/** All that a picture depends on: the same scene gives the same picture and the same numbers. */
export interface Scene {
  readonly version: 1;
  readonly mode: 'race' | 'update';
  readonly cluster: SceneCluster;
  readonly seed: number;
  /**
   * The Service port that packets are sent to, as `namespace/name:port` (the port's name, or its number where it has
   * none); null: the one that stands last in the chain. Position: where it stands in KUBE-SERVICES, from 0; null: where
   * the seed put it.
   */
  readonly target: { readonly servicePort: string | null; readonly position: number | null };
  readonly connection: 'new' | 'established';
  /** Which packet of the seed's sequence: chooses source port and endpoint. */
  readonly packet: number;
  /** Cost profile, by id. */
  readonly profile: string;
  /** Services added by the button, each with its number of endpoints, in order. */
  readonly added: readonly number[];
}
