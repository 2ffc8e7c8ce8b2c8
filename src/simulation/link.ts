import { attachedOf, attachedText } from './link-attached.ts';
import { packText, unpackText } from './link-text.ts';
import { madeOf, madeText } from './made-packet.ts';
import { PRESETS, type PresetId, type Scene, type SceneChange, type SceneProgram } from './scene.ts';
import { changesOf, stepsOf, withChanges } from './scene-steps.ts';

/**
 * A scene as a URL's fragment, one form for each scene:
 *
 *     v1&cluster=500&mode=race&seed=7&target=shop/cart:http&connection=new&packet=0&profile=lab&end
 *
 * `target`, `position`, `added` and `changes` are left out where they are null or empty. Changes are written
 * `add:2`, `scale:shop/cart:3`, `rollout:shop/cart:4` and `delete:shop/cart`, with `:everything` behind those at which
 * kube-proxy writes everything, and a comma between them. What the mode Programs runs is `object=from_container`, or
 * `object=text` with the assembler's text deflated in `asm=` and a checksum in `asmsum=`; with `program=` where it is not
 * the first, and the packet's `bytes=` in hex where they are not the example's. The packet that was sent in the mode Rules is `made=`, as `madeText` writes it. Programs of a person's own in lane B are `attached=`, each as `attachedText` writes it, with a semicolon between them. A cluster of text is `cluster=text`, a
 * node's own rules are `cluster=rules`, with the text deflated in `text=` and a checksum in `sum=`. A person may write such a link by hand; `end` shows that nothing
 * was cut off.
 */
const VERSION = 1;
const END = 'end';

export interface LinkError {
  /** Key of a message, `link_…`. */
  readonly message: string;
  readonly values: Readonly<Record<string, string | number>>;
}

export type DecodedLink = { readonly scene: Scene } | { readonly error: LinkError };

/** Limits on what a link may ask for: what the page itself offers, with room. */
const MOST_ADDED = 500;
const MOST_CHANGES = 500;
/** Updates of a roll-out are steps of their own. */
const MOST_STEPS = 1000;
const MOST_ADDED_ENDPOINTS = 100;
const LAST_POSITION = 10_000_000;

const FIELDS = ['cluster', 'mode', 'seed', 'target', 'position', 'connection', 'packet', 'profile', 'added', 'changes', 'text', 'sum', 'object', 'program', 'bytes', 'asm', 'asmsum', 'made', 'attached'] as const;
type Field = (typeof FIELDS)[number];

const SERVICE_PORT = /^[a-z0-9][-a-z0-9.]{0,252}\/[a-z0-9][-a-z0-9.]{0,252}(:[-a-z0-9]{1,63})?$/;
const SERVICE = /^[a-z0-9][-a-z0-9.]{0,252}\/[a-z0-9][-a-z0-9.]{0,252}$/;
const OBJECT = /^[a-z][a-z0-9_]{0,63}$/;
const PROGRAM = /^[A-Za-z_][\w.]{0,127}$/;
/** As long as the longest frame that the page takes. */
const BYTES = /^(?:[0-9a-f]{2}){0,65549}$/;
const PROGRAM_FIELDS = ['object', 'program', 'bytes', 'asm', 'asmsum'] as const;
const PROFILE = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** The fragment without its `#`. Browsers take addresses of about 2 MB: links of a long text are the caller's to refuse. */
export function encodeScene(scene: Scene): string {
  const { cluster, mode, seed, target, connection, packet, profile, added, changes = [], programs, made, attached } = scene;
  const fields: [Field, string | number | null][] = [
    ['cluster', cluster.kind === 'preset' ? cluster.preset : cluster.kind],
    ['mode', mode],
    ['seed', seed],
    ['target', target.servicePort],
    ['position', target.position],
    ['connection', connection],
    ['packet', packet],
    ['profile', profile],
    ['added', added.length === 0 ? null : added.join(',')],
    ['changes', changes.length === 0 ? null : changes.map(changeText).join(',')],
  ];
  if (cluster.kind !== 'preset') {
    const { packed, sum } = packText(cluster.text);
    fields.push(['text', packed], ['sum', sum]);
  }
  if (mode === 'programs' && programs) {
    fields.push(['object', programs.kind === 'sample' ? programs.name : programs.kind], ['program', programs.program], ['bytes', programs.bytes]);
    if (programs.kind === 'text') {
      const { packed, sum } = packText(programs.text);
      fields.push(['asm', packed], ['asmsum', sum]);
    }
  }
  if (mode === 'rules' && made) fields.push(['made', madeText(made)]);
  fields.push(['attached', attached ? attached.map(attachedText).join(';') : null]);
  const written = fields.flatMap(([field, value]) => (value === null ? [] : [`${field}=${value}`]));
  return [`v${VERSION}`, ...written, END].join('&');
}

/** Reads a fragment, with or without its `#`. Never throws: what cannot be read is an error with its message. */
export function decodeScene(fragment: string): DecodedLink {
  try {
    return { scene: decode(fragment) };
  } catch (error) {
    if (error instanceof Unreadable) return { error: { message: error.message, values: error.values } };
    throw error;
  }
}

/** Ends the reading of a link; never leaves this file. */
class Unreadable extends Error {
  constructor(
    key: string,
    readonly values: LinkError['values'] = {},
  ) {
    super(key);
  }
}

function decode(fragment: string): Scene {
  const [head = '', ...parts] = fragment.replace(/^#/, '').split('&');
  const version = /^v(\d{1,6})$/.exec(head)?.[1];
  if (version === undefined) throw new Unreadable(parts.length === 0 && head === 'v' ? 'link_truncated' : 'link_corrupted');
  if (Number(version) > VERSION) throw new Unreadable('link_later_version', { found: Number(version), known: VERSION });
  if (Number(version) < VERSION) throw new Unreadable('link_corrupted');
  if (parts.pop() !== END) throw new Unreadable('link_truncated');

  const fields = new Map<Field, string>();
  for (const part of parts) {
    const equals = part.indexOf('=');
    const name = part.slice(0, Math.max(equals, 0));
    const field = FIELDS.find((known) => known === name);
    if (equals <= 0) throw new Unreadable('link_corrupted');
    if (field === undefined) throw new Unreadable('link_unknown_field', { field: shown(name) });
    if (fields.has(field)) throw wrong(field, part.slice(equals + 1));
    fields.set(field, part.slice(equals + 1));
  }
  const get = (field: Field): string => {
    const value = fields.get(field);
    if (value === undefined) throw new Unreadable('link_missing_field', { field });
    return value;
  };
  const whole = (field: Field, most: number): number => wholeNumber(field, get(field), most);
  const oneOf = <Value extends string>(field: Field, values: readonly Value[]): Value => values.find((value) => value === get(field)) ?? fail(wrong(field, get(field)));
  const matching = (field: Field, pattern: RegExp): string => (pattern.test(get(field)) ? get(field) : fail(wrong(field, get(field))));

  const programOf = (): SceneProgram => {
    const object = matching('object', OBJECT);
    const chosen = { program: fields.has('program') ? matching('program', PROGRAM) : null, bytes: fields.has('bytes') ? matching('bytes', BYTES) : null };
    if (object === 'text') return { kind: 'text', text: textOf(get('asm'), get('asmsum')), ...chosen };
    for (const field of ['asm', 'asmsum'] as const) if (fields.has(field)) throw wrong(field, get(field));
    return { kind: 'sample', name: object, ...chosen };
  };
  const cluster = oneOf<PresetId | 'text' | 'rules'>('cluster', [...PRESETS, 'text', 'rules']);
  const own = cluster === 'text' || cluster === 'rules';
  if (!own) for (const field of ['text', 'sum'] as const) if (fields.has(field)) throw wrong(field, get(field));
  const scene: Scene = {
    version: VERSION,
    mode: oneOf('mode', ['race', 'update', 'rules', 'programs']),
    cluster: own ? { kind: cluster, text: textOf(get('text'), get('sum')) } : { kind: 'preset', preset: cluster },
    seed: whole('seed', Number.MAX_SAFE_INTEGER),
    target: {
      servicePort: fields.has('target') ? matching('target', SERVICE_PORT) : null,
      position: fields.has('position') ? whole('position', LAST_POSITION) : null,
    },
    connection: oneOf('connection', ['new', 'established']),
    packet: whole('packet', Number.MAX_SAFE_INTEGER),
    profile: matching('profile', PROFILE),
    added: fields.has('added') ? addedOf(get('added')) : [],
    ...(fields.has('changes') ? { changes: get('changes').split(',').map(changeOf) } : {}),
    ...(fields.has('made') && get('mode') === 'rules' ? { made: madeOf(get('made')) ?? fail(wrong('made', get('made'))) } : {}),
    ...(fields.has('object') && get('mode') === 'programs' ? { programs: programOf() } : {}),
    ...(fields.has('attached') ? { attached: attachedOf(get('attached')) ?? fail(wrong('attached', get('attached'))) } : {}),
  };
  if (scene.made === undefined && fields.has('made')) throw wrong('made', get('made'));
  if (scene.programs === undefined) for (const field of PROGRAM_FIELDS) if (fields.has(field)) throw wrong(field, get(field));
  if ((scene.changes?.length ?? 0) > MOST_CHANGES || stepsOf(scene).length > MOST_STEPS) throw wrong('changes', get('changes'));
  // The same scene has one form, however a person wrote it.
  return withChanges(scene, changesOf(scene));
}

function changeText(change: SceneChange): string {
  const parts: (string | number)[] = [change.kind];
  if (change.kind !== 'add') parts.push(change.service);
  if (change.kind === 'rollout') parts.push(change.updates);
  else if (change.kind !== 'delete') parts.push(change.endpoints);
  if (change.writes === 'everything') parts.push(change.writes);
  return parts.join(':');
}

function changeOf(text: string): SceneChange {
  const [kind, ...rest] = text.split(':');
  const writes = rest.at(-1) === 'everything' ? 'everything' : 'changed';
  if (writes === 'everything') rest.pop();
  const service = () => {
    const name = rest.shift() ?? '';
    return SERVICE.test(name) ? name : fail(wrong('changes', text));
  };
  const number = (least: number, most: number) => {
    const found = wholeNumber('changes', rest.shift() ?? '', most);
    return found >= least ? found : fail(wrong('changes', text));
  };
  const change = ((): SceneChange => {
    switch (kind) {
      case 'add':
        return { kind, endpoints: number(0, MOST_ADDED_ENDPOINTS), writes };
      case 'scale':
        return { kind, service: service(), endpoints: number(0, MOST_ADDED_ENDPOINTS), writes };
      case 'rollout':
        return { kind, service: service(), updates: number(1, MOST_STEPS), writes };
      case 'delete':
        return { kind, service: service(), writes };
      default:
        return fail(wrong('changes', text));
    }
  })();
  return rest.length === 0 ? change : fail(wrong('changes', text));
}

function addedOf(text: string): number[] {
  const added = text.split(',');
  if (added.length > MOST_ADDED) throw wrong('added', text);
  return added.map((count) => wholeNumber('added', count, MOST_ADDED_ENDPOINTS));
}

function wholeNumber(field: Field, text: string, most: number): number {
  if (!/^(0|[1-9]\d{0,15})$/.test(text) || Number(text) > most) throw wrong(field, text);
  return Number(text);
}

function textOf(packed: string, sum: string): string {
  const unpacked = unpackText(packed, sum);
  if ('text' in unpacked) return unpacked.text;
  throw unpacked.error === 'too-large' ? new Unreadable('link_too_large', { limit: unpacked.limit }) : new Unreadable('link_corrupted');
}

function wrong(field: Field, found: string): Unreadable {
  return new Unreadable('link_field', { field, found: shown(found) });
}

function fail(error: Unreadable): never {
  throw error;
}

/** A link comes from anywhere: what is shown of it is short. */
function shown(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
