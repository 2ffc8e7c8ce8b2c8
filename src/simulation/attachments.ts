import type { DatapathAssets } from '../datapaths/assets.ts';
import { assemble } from '../datapaths/ebpf/assembler.ts';
import type { Attachment } from '../datapaths/ebpf/index.ts';
import { unpackBytes } from './link-text.ts';
import type { SceneAttachment, SceneObject } from './scene.ts';
import { SimulationError } from './simulation-error.ts';

/** What a scene attaches, with the objects' bytes. Throws `SimulationError` for an object that is not there or no object. */
export function attachmentsOf(attached: readonly SceneAttachment[], objects: DatapathAssets['objects']): Attachment[] {
  return attached.map(({ hook, place, object, program, constants }) => {
    const bytes = bytesOf(object, objects);
    if (!bytes) throw new SimulationError('simulation_attached', { hook });
    return { hook, place, object: bytes, program, constants: Object.fromEntries(Object.entries(constants).map(([name, hex]) => [name, Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))])) };
  });
}

function bytesOf(object: SceneObject, objects: DatapathAssets['objects']): Uint8Array | null {
  switch (object.kind) {
    case 'sample':
      return objects[object.name] ?? null;
    case 'text': {
      const assembled = assemble(object.text);
      return 'faults' in assembled ? null : assembled.assembly.object;
    }
    case 'file': {
      const unpacked = unpackBytes(object.packed, object.sum);
      return 'bytes' in unpacked ? unpacked.bytes : null;
    }
  }
}
