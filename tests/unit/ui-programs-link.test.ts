import { describe, expect, test } from 'vitest';
import { readAssets } from '../../src/simulation/node-assets.ts';
import type { ProgramsApi } from '../../src/simulation/programs/api.ts';
import { Programs } from '../../src/simulation/programs/programs.ts';
import type { SceneProgram } from '../../src/simulation/scene.ts';
import { bytesOf, hexOf } from '../../src/ui/programs/hex.ts';
import { linkedProgram, type Shown } from '../../src/ui/programs/linked-program.ts';

const programs = new Programs(readAssets(), 1);
type Opened = Parameters<ProgramsApi['open']>[0];

/** What the page shows once it has opened an object and chosen a program. */
function shown(source: Opened, origin: Shown['origin'], name: string, change: Partial<Shown> = {}): Shown {
  const object = programs.open(source);
  const program = programs.program(name);
  if (!('value' in object) || !('value' in program)) throw new Error(name);
  return { origin, text: '', object: object.value, name, program: program.value, input: program.value.example, ...change };
}
const sample = (object: string, name: string, change: Partial<Shown> = {}) => shown({ kind: 'sample', name: object }, { kind: 'sample', name: object }, name, change);

describe('what a link carries of the mode Programs', () => {
  test.each<[string, Shown, SceneProgram | undefined]>([
    ['the first object is the mode itself', sample('from_container', 'cil_from_container'), undefined],
    ['another object, its first program', sample('xdp_node', 'cil_xdp_entry'), { kind: 'sample', name: 'xdp_node', program: null, bytes: null }],
    ['another program', sample('connect4', 'cil_sock4_sendmsg'), { kind: 'sample', name: 'connect4', program: 'cil_sock4_sendmsg', bytes: null }],
    ['a text, as it was typed', sample('from_container', 'cil_from_container', { origin: { kind: 'text' }, text: 'r0 = 1\nexit\n' }), { kind: 'text', text: 'r0 = 1\nexit\n', program: null, bytes: null }],
    ['a file stays where it is', sample('xdp_node', 'cil_xdp_entry', { origin: { kind: 'file', name: 'mine.o', bytes: new Uint8Array() } }), undefined],
    ['nothing open yet', { origin: null, text: '', object: null, name: null, program: null, input: null }, undefined],
  ])('%s', (_, page, link) => {
    expect(linkedProgram(page)).toEqual(link);
  });

  test('the packet, where it is not the example’s', () => {
    const page = sample('from_container', 'cil_from_container');
    const input = page.input;
    if (!input) throw new Error('no input');
    const data = input.data.slice();
    data[0] = 0xff;
    const linked = linkedProgram({ ...page, input: { ...input, data } });
    expect(linked).toEqual({ kind: 'sample', name: 'from_container', program: null, bytes: hexOf(data) });
    expect(bytesOf(linked?.bytes ?? '')).toEqual(data);
  });
});
