import type { AttachHook, AttachPlace } from '../datapaths/ebpf/attached/attachment.ts';
import type { MadePacket } from './made-packet.ts';

/** Sizes of the seeded presets, in Services with two endpoints each; `shop` is the small realistic one. */
export const PRESETS = ['shop', '1', '50', '500', '5000', '20000', '50000'] as const;
export type PresetId = (typeof PRESETS)[number];

export type SceneCluster =
  | { readonly kind: 'preset'; readonly preset: PresetId }
  /** What a person pasted or dropped: kubectl's YAML or JSON, whole. */
  | { readonly kind: 'text'; readonly text: string }
  /** The same with a node's own rules: the text of iptables-save or for iptables-restore. */
  | { readonly kind: 'rules'; readonly text: string };

/** A Service is named `namespace/name`. */
export type ServiceChange =
  | { readonly kind: 'add'; readonly endpoints: number }
  /** To that many endpoints, ready ones, in one update of an EndpointSlice. */
  | { readonly kind: 'scale'; readonly service: string; readonly endpoints: number }
  /**
   * Every endpoint is replaced by a new one, one after the other; each takes three updates of an EndpointSlice: the new
   * pod is ready, the old one ends, the old one is gone. `updates`: how many of them have been played, from 1.
   */
  | { readonly kind: 'rollout'; readonly service: string; readonly updates: number }
  | { readonly kind: 'delete'; readonly service: string };

/** A change of the cluster that was played, and how kube-proxy brought it into effect. */
export type SceneChange = ServiceChange & {
  /** `changed`: it writes the changed Services' chains, as it does nearly always; `everything`: as after a lost canary, at its start and once an hour. */
  readonly writes: 'changed' | 'everything';
};

/** What the mode Programs runs. A person's own object does not travel so, only what the page itself has, or a text; once attached to lane B it does. */
export type SceneProgram = (
  | { readonly kind: 'sample'; /** One of the project's own objects, by base name. */ readonly name: string }
  | { readonly kind: 'text'; /** In the assembler. */ readonly text: string }
) & {
  /** Its name in the object; null: the first that can be run. */
  readonly program: string | null;
  /** The packet's or the context's bytes, in hex without blanks; null: the example for its type. */
  readonly bytes: string | null;
};

/** An object as a scene carries it: one of the project's own, a text of the assembler, or a file, deflated and in base64url with the checksum of its bytes. */
export type SceneObject =
  | { readonly kind: 'sample'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly name: string; readonly packed: string; readonly sum: string };

/** A program of a person's own at a hook of lane B. */
export interface SceneAttachment {
  readonly hook: AttachHook;
  readonly place: AttachPlace;
  readonly object: SceneObject;
  /** Its name in the object; null: the first that the hook takes. */
  readonly program: string | null;
  /** Global constants that are rewritten before the object is loaded: their bytes in hex, by name. */
  readonly constants: Readonly<Record<string, string>>;
}

/** All that a picture depends on: the same scene gives the same picture and the same numbers. */
export interface Scene {
  readonly version: 1;
  readonly mode: 'race' | 'update' | 'rules' | 'programs';
  readonly cluster: SceneCluster;
  readonly seed: number;
  /**
   * The Service port that packets are sent to, as `namespace/name:port` (the port's name, or its number where it has
   * none); null: the last one in the chain that leads to pods. Position: where it stands in KUBE-SERVICES, from 0; null: where
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
  /** What was changed after them, in order. */
  readonly changes?: readonly SceneChange[];
  /** Only in the mode Programs; left out: the program that the mode begins with. */
  readonly programs?: SceneProgram;
  /** Programs of a person's own in lane B, one a hook, in the hooks' order; left out: none. */
  readonly attached?: readonly SceneAttachment[];
  /** Only in the mode Rules: the packet that a person has sent; left out: none yet. */
  readonly made?: MadePacket;
}
