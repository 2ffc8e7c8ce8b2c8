import { readFileSync } from 'node:fs';
import { assemble } from '../datapaths/ebpf/assembler.ts';
import { ATTACH_HOOKS, type AttachedProgram, type AttachHook, type AttachPlace } from '../datapaths/ebpf/index.ts';
import { packBytes } from '../simulation/link-text.ts';
import type { Scene, SceneAttachment, SceneObject } from '../simulation/scene.ts';
import { withAttached } from '../simulation/scene-program.ts';
import { CommandError, UsageError } from './command.ts';
import { sentence } from './sentence.ts';

const SAMPLE = 'sample:';
const ELF = [0x7f, 0x45, 0x4c, 0x46];
const CONSTANT = /^([A-Za-z_][\w.]*)=((?:[0-9a-f]{2})+)$/i;
const HOW = `write it as F.o[:PROGRAM]@HOOK[,before|,instead][,CONSTANT=HEX…]; F may be assembler text, or sample:NAME; hooks are ${ATTACH_HOOKS.join(', ')}.`;

export interface AttachOptions {
  readonly scene: Scene;
  /** What was written for each hook. */
  readonly written: ReadonlyMap<AttachHook, string>;
}

/**
 * The scene with what `--attach` puts into lane B, one program a hook. Throws `UsageError`, and `CommandError` for a file
 * that cannot be read, or holds text with faults.
 */
export function attachTo(scene: Scene, options: readonly string[]): AttachOptions {
  let attached = scene;
  const written = new Map<AttachHook, string>();
  for (const option of options) {
    const one = attachmentOf(option);
    if (written.has(one.hook)) throw new UsageError(`--attach ${option}: a program stands at ${one.hook} already; name each hook once.`);
    written.set(one.hook, option);
    attached = withAttached(attached, one.hook, one);
  }
  return { scene: attached, written };
}

/** What is said of programs that do not stand at their hooks: an error each; notes on maps that are not the pinned ones go to `note`. */
export function attachFaults(attached: readonly AttachedProgram[], { written }: AttachOptions, note: (line: string) => void): string[] {
  return attached.flatMap(({ hook, program, fault, apart }) => {
    const place = `--attach ${written.get(hook) ?? hook}`;
    for (const { map, why } of apart) note(`${place}: note: ${sentence(`attach_apart_${why}`, { map })}`);
    if (!fault) return [];
    return [`${place}: ${sentence(`attach_fault_${fault.kind}`, { hook, program, slot: fault.instruction ?? 0, reason: fault.message })}`];
  });
}

function attachmentOf(option: string): SceneAttachment {
  const at = option.lastIndexOf('@');
  const [hookText, ...settings] = option.slice(at + 1).split(',');
  const hook = ATTACH_HOOKS.find((one) => one === hookText);
  if (at <= 0 || !hook) throw new UsageError(`--attach ${option}: ${HOW}`);
  let place: AttachPlace = 'instead';
  const constants: Record<string, string> = {};
  for (const setting of settings) {
    const [, name, hex] = CONSTANT.exec(setting) ?? [];
    if (setting === 'before' || setting === 'instead') place = setting;
    else if (name !== undefined && hex !== undefined) constants[name] = hex.toLowerCase();
    else throw new UsageError(`--attach ${option}: ${HOW}`);
  }
  const { object, program } = objectOf(option.slice(0, at), option);
  return { hook, place, object, program, constants: Object.fromEntries(Object.entries(constants).sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function objectOf(text: string, option: string): { readonly object: SceneObject; readonly program: string | null } {
  if (text.startsWith(SAMPLE)) {
    const [name = '', program = null, ...rest] = text.slice(SAMPLE.length).split(':');
    if (name === '' || rest.length > 0) throw new UsageError(`--attach ${option}: ${HOW}`);
    return { object: { kind: 'sample', name }, program };
  }
  const [, file = text, program = null] = /^(.+?)(?::([A-Za-z_][\w.]*))?$/.exec(text) ?? [];
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(readFileSync(file));
  } catch (error) {
    throw new CommandError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (ELF.every((byte, index) => bytes[index] === byte)) return { object: { kind: 'file', name: file.slice(file.lastIndexOf('/') + 1), ...packBytes(bytes) }, program };
  const assembly = new TextDecoder().decode(bytes);
  const result = assemble(assembly);
  if ('faults' in result) throw new CommandError(result.faults.map(({ line, column, message, values }) => `${file}:${line}:${column}: ${sentence(message, values)}`).join('\n'));
  return { object: { kind: 'text', text: assembly }, program };
}
