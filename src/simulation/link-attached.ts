import { ATTACH_HOOKS, type AttachHook } from '../datapaths/ebpf/attached/attachment.ts';
import { packText, unpackBytes, unpackText } from './link-text.ts';
import type { SceneAttachment, SceneObject } from './scene.ts';

const PLACES = ['before', 'instead'] as const;
const NAME = /^[A-Za-z_][\w.]{0,127}$/;
const SAMPLE = /^[a-z][a-z0-9_]{0,63}$/;
const HEX = /^(?:[0-9a-f]{2}){1,4096}$/;
const LONGEST_FILE_NAME = 255;

/**
 * One attachment as a part of a link: `from-container:before:sample:node:::cil_from_container:enable_events.01` is hook,
 * place, kind of object, its name, its bytes (deflated, base64url) and their checksum, the program, and the constants,
 * with empty ends left out. A text has no name, one of the project's own objects no bytes.
 */
export function attachedText({ hook, place, object, program, constants }: SceneAttachment): string {
  const rewritten = Object.entries(constants).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, hex]) => `${name}.${hex}`);
  return [hook, place, ...objectParts(object), program ?? '', rewritten.join(',')].join(':').replace(/:+$/, '');
}

function objectParts(object: SceneObject): [string, string, string, string] {
  switch (object.kind) {
    case 'sample':
      return ['sample', object.name, '', ''];
    case 'file':
      return ['file', encodeURIComponent(wellFormed(object.name)), object.packed, object.sum];
    case 'text': {
      const { packed, sum } = packText(object.text);
      return ['text', '', packed, sum];
    }
  }
}

/** What stands in a link, one a hook, in the hooks' order; null: it cannot be read. */
export function attachedOf(text: string): readonly SceneAttachment[] | null {
  const byHook = new Map<AttachHook, SceneAttachment>();
  for (const one of text.split(';')) {
    const attachment = oneOf(one);
    if (!attachment || byHook.has(attachment.hook)) return null;
    byHook.set(attachment.hook, attachment);
  }
  return ATTACH_HOOKS.flatMap((hook) => byHook.get(hook) ?? []);
}

function oneOf(text: string): SceneAttachment | null {
  const [hookText, placeText, kind, name = '', packed = '', sum = '', program = '', rewritten = '', ...rest] = text.split(':');
  const hook = ATTACH_HOOKS.find((one) => one === hookText);
  const place = PLACES.find((one) => one === placeText);
  const object = objectOf(kind, name, packed, sum);
  const constants = constantsOf(rewritten);
  if (!hook || !place || !object || !constants || rest.length > 0 || (program !== '' && !NAME.test(program))) return null;
  return { hook, place, object, program: program === '' ? null : program, constants };
}

function objectOf(kind: string | undefined, name: string, packed: string, sum: string): SceneObject | null {
  switch (kind) {
    case 'sample':
      return SAMPLE.test(name) && packed === '' && sum === '' ? { kind, name } : null;
    case 'text': {
      const unpacked = name === '' ? unpackText(packed, sum) : null;
      return unpacked && 'text' in unpacked ? { kind, text: unpacked.text } : null;
    }
    case 'file': {
      const file = nameOf(name);
      return file !== null && 'bytes' in unpackBytes(packed, sum) ? { kind, name: file, packed, sum } : null;
    }
    default:
      return null;
  }
}

function nameOf(text: string): string | null {
  try {
    const name = decodeURIComponent(text);
    return name.length > 0 && name.length <= LONGEST_FILE_NAME ? name : null;
  } catch {
    return null;
  }
}

function constantsOf(text: string): Readonly<Record<string, string>> | null {
  if (text === '') return {};
  const constants: Record<string, string> = {};
  for (const one of text.split(',')) {
    const dot = one.lastIndexOf('.');
    const [name, hex] = [one.slice(0, Math.max(dot, 0)), one.slice(dot + 1)];
    if (!NAME.test(name) || !HEX.test(hex) || Object.hasOwn(constants, name)) return null;
    constants[name] = hex;
  }
  return constants;
}

/** A file's name may hold half of a surrogate pair, which no address can. */
function wellFormed(name: string): string {
  return name.replace(/\p{Surrogate}/gu, '\ufffd');
}
