import { ATTACH_HOOKS, type AttachHook, type AttachPlace } from '../../datapaths/ebpf/attached/attachment.ts';
import { fitsHook } from '../../datapaths/ebpf/attached/fits-hook.ts';
import type { ProgramSpec } from '../../datapaths/ebpf/vm.ts';
import { m } from '../../i18n/paraglide/messages.js';
import { packBytes } from '../../simulation/link-text.ts';
import type { SceneAttachment, SceneObject } from '../../simulation/scene.ts';
import { hexOf } from './hex.ts';
import type { Origin } from './origin.ts';

/** Hooks of lane B that a program could stand at. */
export function hooksFor(spec: Pick<ProgramSpec, 'type' | 'section'> | null): readonly AttachHook[] {
  return spec ? ATTACH_HOOKS.filter((hook) => fitsHook(hook, spec)) : [];
}

/** What of lane B's own may stand at a hook: cil_to_container does in a cluster with NetworkPolicies. null: nothing, so that there is no place before it. */
export function ownAt(hook: AttachHook): string | null {
  switch (hook) {
    case 'from-container':
      return 'cil_from_container';
    case 'to-container':
      return 'cil_to_container';
    default:
      return null;
  }
}

export function hookWords(hook: AttachHook): string {
  switch (hook) {
    case 'connect4':
      return m.attach_hook_connect4();
    case 'xdp':
      return m.attach_hook_xdp();
    case 'from-container':
      return m.attach_hook_from();
    case 'to-container':
      return m.attach_hook_to();
  }
}

/** The object on the page, as a scene carries it. */
function sceneObject(origin: Origin, text: string): SceneObject {
  switch (origin.kind) {
    case 'sample':
      return { kind: 'sample', name: origin.name };
    case 'text':
      return { kind: 'text', text };
    case 'file':
      return { kind: 'file', name: origin.name, ...packBytes(origin.bytes) };
  }
}

export interface Attachable {
  readonly origin: Origin;
  /** The assembler's. */
  readonly text: string;
  /** The program's name in the object. */
  readonly name: string;
  readonly rewritten: Readonly<Record<string, Uint8Array>>;
}

export function attachmentOf({ origin, text, name, rewritten }: Attachable, hook: AttachHook, place: AttachPlace): SceneAttachment {
  const constants = Object.fromEntries(Object.entries(rewritten).map(([constant, bytes]) => [constant, hexOf(bytes)]));
  return { hook, place: ownAt(hook) === null ? 'instead' : place, object: sceneObject(origin, text), program: origin.kind === 'text' ? null : name, constants };
}
