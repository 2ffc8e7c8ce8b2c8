import { describe, expect, it, test } from 'vitest';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import { BpfError } from '../../src/datapaths/ebpf/vm.ts';
import { fromVm } from '../../src/datapaths/ebpf/vm-json.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';

const map = { name: 'm', type: 'hash', keySize: 4, valueSize: 8, maxEntries: 16, flags: 0 };
const program = { name: 'p', section: 'tc', type: 'sched_cls', license: 'GPL', instructions: 2, unsupported: null };

describe('what crosses the border to the VM', () => {
  test('is read into its types', () => {
    expect(fromVm.spec(JSON.stringify({ programs: [program], maps: [map] }))).toEqual({ programs: [program], maps: [map] });
    expect(fromVm.check('{"refusal":null,"followed":3,"gaveUp":false}')).toEqual({ refusal: null, followed: 3, gaveUp: false });
    expect(fromVm.helperCalls('{"map_lookup_elem":2}')).toEqual({ map_lookup_elem: 2 });
    expect(fromVm.instructions('[[0,"exit",null,null,null,null],[1,"exit","a.c",3,"return 0;","f"]]')).toEqual([
      { index: 0, text: 'exit', file: null, line: null, source: null },
      { index: 1, text: 'exit', file: 'a.c', line: 3, source: 'return 0;', begins: 'f' },
    ]);
    const error = fromVm.error('{"message":"no","program":"p","instruction":4}');
    expect(error).toBeInstanceOf(BpfError);
    expect(error).toMatchObject({ message: 'no', program: 'p', instruction: 4 });
  });

  it.each([
    ['spec', '{"programs":', 'This is not JSON'],
    ['spec', '{"programs":[]}', 'maps: This field is missing; it is a list.'],
    ['spec', JSON.stringify({ programs: [{ ...program, instructions: '2' }], maps: [] }), 'programs[0].instructions: Here a whole number is expected, not "2".'],
    ['spec', JSON.stringify({ programs: [], maps: [map, { ...map, name: null }] }), 'maps[1].name: Here a text is expected, not null.'],
    ['error', '"a text"', 'Here an object is expected'],
    ['error', '{"message":"no","program":null}', 'instruction: This field is missing; it is a whole number.'],
    ['helperCalls', '{"map_lookup_elem":null}', 'map_lookup_elem: Here a whole number is expected, not null.'],
    ['check', '{"refusal":{"instruction":1},"followed":3,"gaveUp":false}', 'refusal.message: This field is missing'],
    ['check', '{"refusal":null,"followed":3,"gaveUp":0}', 'gaveUp: Here true or false is expected, not 0.'],
    ['instructions', '[[0,"exit"]]', '[0][5]: This field is missing'],
    ['instructions', '{}', 'Here a list is expected, not {}.'],
    ['mapInfo', JSON.stringify({ ...map, entries: 0, buckets: 16, cpus: 1 }), 'userValueSize: This field is missing'],
  ] as const)('%s %s is an error of the VM’s, with the field', (kind, json, sentence) => {
    expect(() => fromVm[kind](json)).toThrow(BpfError);
    expect(() => fromVm[kind](json)).toThrow(sentence);
  });

  test('and the VM as it is built says nothing else: every object of the project, checked and listed', () => {
    const { wasm, objects } = readAssets();
    const vm = createVm(wasm);
    for (const bytes of Object.values(objects)) {
      const collection = vm.load(bytes, { seed: 1 });
      for (const { name } of collection.spec.programs) {
        expect(collection.disassemble(name).length).toBeGreaterThan(0);
        expect(collection.check(name).followed).toBeGreaterThan(0);
      }
      for (const { name } of collection.spec.maps) expect(collection.info(name).name).toBe(name);
      collection.free();
    }
  });
});
