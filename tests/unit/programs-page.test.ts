import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/datapaths/ebpf/assembler.ts';
import { parseIpv4, type Ipv4 } from '../../src/packet/address.ts';
import { checksumsHold, decodeFrame } from '../../src/packet/frame.ts';
import { TCP_FLAG } from '../../src/packet/packet.ts';
import type { ObjectSource, OpenedObject, OpenedProgram, Outcome, ProgramRun } from '../../src/simulation/programs/api.ts';
import { Programs } from '../../src/simulation/programs/programs.ts';
import { decodeSockAddr, encodeSockAddr, withSockAddr } from '../../src/datapaths/ebpf/sock-addr.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import { changedBytes } from '../../src/ui/programs/changed-bytes.ts';
import { editFrame, packetFields } from '../../src/ui/programs/edit-frame.ts';
import { EXAMPLE_TEXT } from '../../src/ui/programs/example-text.ts';
import { frameFields } from '../../src/ui/programs/frame-fields.ts';
import { hexText, readHex } from '../../src/ui/programs/hex.ts';
import { listingRows, rowOfSlot } from '../../src/ui/programs/listing-rows.ts';
import { mapRights, perCpu, valueSizes, writtenLater } from '../../src/ui/programs/map-entry.ts';
import { pointerOf, pointerText } from '../../src/ui/programs/pointer-name.ts';
import { RunTrace } from '../../src/ui/programs/run-trace.ts';
import { sourceFiles, sourceLines } from '../../src/ui/programs/source-lines.ts';
import { stepEffect } from '../../src/ui/programs/step-effect.ts';
import { frameOf } from '../../src/ui/programs/stack-history.ts';
import { verdictName } from '../../src/ui/programs/verdict-name.ts';

const assets = readAssets();

function must<T>(outcome: Outcome<T>): T {
  if ('fault' in outcome) throw new Error(outcome.fault.message);
  return outcome.value;
}

function faultOf<T>(outcome: Outcome<T>): string {
  return 'fault' in outcome ? outcome.fault.message : '';
}

function text(program: string): ObjectSource {
  const assembled = assemble(program);
  if ('faults' in assembled) throw new Error(JSON.stringify(assembled.faults));
  return { kind: 'bytes', bytes: assembled.assembly.object };
}

interface Open {
  readonly room: Programs;
  readonly opened: OpenedObject;
  readonly name: string;
  readonly program: OpenedProgram;
}

function open(source: ObjectSource): Open {
  const room = new Programs(assets, 1);
  const opened = must(room.open(source));
  const name = opened.spec.programs[0]?.name ?? '';
  return { room, opened, name, program: must(room.program(name)) };
}

const sample: ObjectSource = { kind: 'sample', name: 'from_container' };
const run = ({ room, name, program }: Open): ProgramRun => must(room.run(name, program.example));

describe('the engine room', () => {
  it('opens the project’s own object with the shop’s entries in its maps', () => {
    const { opened, program } = open(sample);
    expect(opened.fault).toBeNull();
    expect(opened.filled).toContain('cilium_lb4_services_v2');
    expect(program.check).toMatchObject({ refusal: null });
    expect(program.rows[0]?.text).toBe('r6 = r1');
  });

  it('sends the example to a backend of the shop’s frontend, and knows the connection then', () => {
    const one = open(sample);
    const first = run(one);
    expect(verdictName('sched_cls', first.returnValue).name).toBe('TC_ACT_REDIRECT');
    const out = decodeFrame(first.data);
    expect(out && 'destinationPort' in out ? out.destinationPort : 0).toBe(8080);
    expect(first.steps.instruction).toHaveLength(first.instructions);
    const second = run(one);
    expect(second.instructions).toBeLessThan(first.instructions);
    expect(one.room.maps().find(({ name }) => name === 'cilium_ct4_global')?.entries).toBeGreaterThan(0);
    // As it was, and the same again.
    must(one.room.reset());
    expect(one.room.maps().find(({ name }) => name === 'cilium_ct4_global')?.entries).toBe(0);
    expect(run(one)).toEqual(first);
  });

  it('says an entry in the field’s words only where the map is laid out so', () => {
    const { room } = open(sample);
    expect(must(room.map('cilium_lb4_services_v2', 0, 5)).rows[0]?.keyText).toMatch(/slot \d+/);
    const own = open(text('.map cilium_lb4_services_v2 hash key 2 value 3 max 8\nr0 = 0\nexit'));
    expect(own.opened.filled).toEqual([]);
    must(own.room.put('cilium_lb4_services_v2', Uint8Array.of(1, 2), Uint8Array.of(3, 4, 5)));
    expect(must(own.room.map('cilium_lb4_services_v2', 0, 5)).rows[0]).toMatchObject({ keyText: '01 02', valueText: '03 04 05' });
  });

  it('does not run what the checker refuses', () => {
    const { room, name, program } = open(text('.program xdp unsafe\nr1 = *(u32 *)(r1 + 0)\nr0 = *(u8 *)(r1 + 0)\nexit'));
    expect(program.check?.refusal).toMatchObject({ instruction: 1 });
    expect(faultOf(room.run(name, program.example))).toBe(program.check?.refusal?.message);
  });

  it.each<readonly [what: string, bytes: Uint8Array, says: RegExp]>([
    ['no ELF at all', Uint8Array.of(1, 2, 3), /ELF/],
    ['an empty file', new Uint8Array(), /ELF/],
    ['half an object', (assets.objects['from_container'] ?? new Uint8Array()).subarray(0, 3000), /cut off|broken/],
  ])('says what is wrong with %s, and keeps the object before it', (_, bytes, says) => {
    const { room, name, program } = open(sample);
    expect(faultOf(room.open({ kind: 'bytes', bytes }))).toMatch(says);
    expect(must(room.run(name, program.example)).returnValue).toBe(7);
  });

  it('ends a runaway program with the VM’s sentence', () => {
    // The checker cannot follow a loop whose end hangs on the packet; the VM stops it all the same.
    const { room, name, program } = open(text('.program tc spin\nhere: r0 = 0\ngoto here'));
    const outcome = room.run(name, program.example);
    expect(faultOf(outcome)).not.toBe('');
  });

  it('writes, finds and takes away entries, and says why it cannot', () => {
    const { room } = open(text('.map m hash key 4 value 8 max 2\n.map a array key 4 value 4 max 1\nr0 = 0\nexit'));
    const key = (first: number) => Uint8Array.of(first, 0, 0, 0);
    expect(must(room.put('m', key(1), new Uint8Array(8)))).toBe(false);
    expect(must(room.put('m', key(1), new Uint8Array(8).fill(1)))).toBe(true);
    expect(must(room.put('m', key(2), new Uint8Array(8)))).toBe(false);
    expect(faultOf(room.put('m', key(3), new Uint8Array(8)))).toMatch(/full/);
    expect(faultOf(room.put('m', Uint8Array.of(1), new Uint8Array(8)))).toMatch(/1 bytes.*4/);
    expect(faultOf(room.put('a', key(9), new Uint8Array(4)))).toMatch(/index/);
    expect(room.find('m', key(2))).not.toBeNull();
    expect(must(room.remove('m', key(2)))).toBe(true);
    expect(must(room.remove('m', key(2)))).toBe(false);
    expect(room.find('m', key(2))).toBeNull();
    must(room.clear('m'));
    expect(room.maps().find(({ name }) => name === 'm')?.entries).toBe(0);
    expect(faultOf(room.map('none', 0, 1))).toMatch(/none/);
  });
});

describe('a run, step by step', () => {
  const one = open(sample);
  const trace = new RunTrace(run(one));
  const maps = one.opened.spec.maps.map(({ name }) => name);

  it('has the key of every map access on the stack, where r2 points', () => {
    expect(trace.run.accesses.length).toBeGreaterThan(3);
    for (const access of trace.run.accesses) {
      const place = access.atInstruction - 1;
      const registers = trace.registers(place);
      expect(pointerOf(registers[1] ?? 0n, registers[10] ?? 0n, maps)).toEqual({ to: 'map', map: access.map });
      const key = pointerOf(registers[2] ?? 0n, registers[10] ?? 0n, maps);
      if (key?.to !== 'stack') continue;
      const stack = trace.stack.at(place);
      const at = frameOf(registers) + key.offset;
      expect(Array.from(access.key, (_, index) => stack.get(at + index)?.value)).toEqual([...access.key]);
    }
  });

  it('reads the same stack whichever way it is stepped', () => {
    const forward = Array.from({ length: trace.end + 1 }, (_, place) => trace.stack.at(place));
    for (let place = trace.end; place >= 0; place--) expect(trace.stack.at(place)).toEqual(forward[place]);
  });

  it('names pointers', () => {
    const first = trace.registers(0);
    expect(pointerText(pointerOf(first[1] ?? 0n, first[10] ?? 0n, maps) ?? { to: 'map', map: '' })).toBe('ctx');
    expect(pointerText(pointerOf(first[10] ?? 0n, first[10] ?? 0n, maps) ?? { to: 'map', map: '' })).toBe('fp');
    expect(pointerOf(0n, first[10] ?? 0n, maps)).toBeNull();
    expect(pointerOf(0xffff_ffff_ffff_ffffn, first[10] ?? 0n, maps)).toBeNull();
    // skb->data is in a register sooner or later.
    const pointers = Array.from({ length: trace.end }, (_, place) => [...trace.registers(place)].map((value) => pointerOf(value, first[10] ?? 0n, maps))).flat();
    expect(pointers).toContainEqual({ to: 'packet', offset: 0 });
    const found = trace.run.accesses.find((access) => access.operation === 'lookup' && access.found);
    const value = pointerOf(trace.registers(found?.atInstruction ?? 0)[0] ?? 0n, first[10] ?? 0n, maps);
    expect(value).toEqual({ to: 'value', map: found?.map, bucket: found?.bucket, offset: 0 });
  });

  it('counts what ran and finds a slot in both directions', () => {
    const counts = trace.counts(one.name);
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(trace.run.instructions);
    const slot = trace.slot(5) ?? 0;
    expect(trace.findSlot(one.name, slot, -1, 1)).toBe(5);
    expect(trace.findSlot(one.name, slot, trace.end, -1)).toBe(5);
    expect(trace.findSlot(one.name, -1, 0, 1)).toBeNull();
  });

  it('knows which entries the run wrote after a step', () => {
    const update = trace.run.accesses.find(({ operation }) => operation === 'update');
    expect(update).toBeDefined();
    if (!update) return;
    expect(writtenLater(trace.run, update.map, update.atInstruction - 1).size).toBeGreaterThan(0);
    expect(writtenLater(trace.run, update.map, trace.end).size).toBe(0);
  });

  it('shows what a helper wrote as not known until it is read', () => {
    const own = open(text('r6 = r1\nr2 = 26\nr3 = r10\nr3 += -8\nr4 = 4\ncall skb_load_bytes\nr1 = *(u32 *)(r10 - 8)\nr0 = 0\nexit'));
    const stepped = new RunTrace(run(own));
    expect(stepped.stack.at(6).get(-8)).toEqual({ value: null, step: 5 });
    const saddr = parseIpv4('10.244.0.10') ?? 0;
    expect([0, 1, 2, 3].map((byte) => stepped.stack.at(7).get(-8 + byte)?.value)).toEqual([24, 16, 8, 0].map((shift) => (saddr >>> shift) & 255));
    expect(stepped.stack.lowest()).toBe(-8);
  });

  it('follows atomics and frames of called functions on the stack', () => {
    const own = open(text('*(u64 *)(r10 - 8) = 40\nr1 = 2\nlock *(u64 *)(r10 - 8) += r1\nr3 = 9\nr3 = xchg((u64 *)(r10 - 8), r3)\ncall inner\nr0 = 0\nexit\ninner:\n*(u8 *)(r10 - 1) = 7\nr0 = 0\nexit'));
    const stepped = new RunTrace(run(own));
    expect(stepped.stack.at(3).get(-8)?.value).toBe(42);
    expect(stepped.stack.at(5).get(-8)?.value).toBe(9);
    const inner = stepped.registers(6);
    expect(frameOf(inner)).toBeLessThan(0);
    expect(stepped.stack.at(7).get(frameOf(inner) - 1)?.value).toBe(7);
  });
});

const OBJECTS = new URL('../conformance/bpf/objects/', import.meta.url);
const object = (name: string): ObjectSource => ({ kind: 'bytes', bytes: new Uint8Array(readFileSync(new URL(name, OBJECTS))) });

describe('objects that clang made', () => {
  it.each(readdirSync(OBJECTS).filter((name) => name.endsWith('.o')))('%s: each program runs or says why not, and its stack agrees with its map accesses', (name) => {
    const room = new Programs(assets, 1);
    const read = room.open(object(name));
    if ('fault' in read) {
      expect(read.fault.message).toMatch(/[.]$/);
      return;
    }
    const opened = read.value;
    const maps = opened.spec.maps.map((map) => map.name);
    for (const { name: program } of opened.fault ? [] : opened.spec.programs) {
      const { example, check, fault } = must(room.program(program));
      const outcome = room.run(program, example);
      if ('fault' in outcome) {
        expect(outcome.fault.message).toMatch(/[.?]$/);
        continue;
      }
      expect(fault).toBeNull();
      expect(check?.refusal).toBeNull();
      const trace = new RunTrace(outcome.value);
      for (const access of outcome.value.accesses) {
        const place = access.atInstruction - 1;
        const registers = trace.registers(place);
        const key = pointerOf(registers[2] ?? 0n, registers[10] ?? 0n, maps);
        if (key?.to !== 'stack' || !/^call map_(lookup|update|delete)_elem#/.test(trace.rows(place).find(({ index }) => index === trace.slot(place))?.text ?? '')) continue;
        const stack = trace.stack.at(place);
        const at = frameOf(registers) + key.offset;
        access.key.forEach((byte, index) => {
          const shown = stack.get(at + index);
          // What a helper wrote is not known; what is shown is right.
          if (shown && shown.value !== null) expect(`${program} ${place} ${index}: ${shown.value}`).toBe(`${program} ${place} ${index}: ${byte}`);
        });
      }
      for (let place = 0; place <= Math.min(trace.end, 2000); place++) {
        const effect = stepEffect(trace, place);
        if (place < trace.end) expect(effect?.kind, `${program} ${place} ${trace.rows(place).find(({ index }) => index === trace.slot(place))?.text}`).not.toBe('nothing');
      }
    }
  });

  it('follows a tail call into the other program', () => {
    const room = new Programs(assets, 1);
    must(room.open(object('tc_tail.clang16-v2.o')));
    const first = 'entry';
    const { example } = must(room.program(first));
    // A packet's length chooses the program: of 57 bytes, the one at index 1.
    const trace = new RunTrace(must(room.run(first, { ...example, data: new Uint8Array(57) })));
    const failing = new RunTrace(must(room.run(first, { ...example, data: new Uint8Array(60) })));
    expect(failing.run.steps.programs).toEqual([{ step: 0, program: first }]);
    expect(failing.run.returnValue).toBe(42);
    const programs = trace.run.steps.programs.map(({ program }) => program);
    expect(programs).toEqual(['entry', 't2']);
    const [, into] = trace.run.steps.programs;
    expect(stepEffect(trace, (into?.step ?? 0) - 1)).toEqual({ kind: 'tail-call', program: into?.program });
    expect(trace.program((into?.step ?? 0) - 1)).toBe(first);
    expect(trace.program(into?.step ?? 0)).toBe(into?.program);
    expect(trace.slot(into?.step ?? 0)).toBe(0);
    expect([...new Set(programs)].reduce((sum, program) => sum + [...trace.counts(program).values()].reduce((a, b) => a + b, 0), 0)).toBe(trace.end);
  });
});

describe('the listing', () => {
  const { program } = open(sample);

  it('puts each line of C before its instructions', () => {
    const rows = listingRows(program.rows, true);
    expect(rows.find(({ kind }) => kind === 'source')).toMatchObject({ kind: 'source', text: 'int cil_from_container(struct __sk_buff *skb)' });
    expect(rows.filter(({ kind }) => kind === 'instruction')).toHaveLength(program.rows.length);
    const lookup = program.rows.find(({ text: shown }) => shown.includes('map_lookup_elem'))?.index ?? 0;
    expect(rows[rowOfSlot(rows, lookup)]).toMatchObject({ kind: 'instruction', slot: lookup, text: 'call 1', note: 'map_lookup_elem' });
    expect(listingRows(program.rows, false).some(({ kind }) => kind === 'source')).toBe(false);
    const jump = program.rows.find(({ text: shown }) => /goto \+\d+$/.test(shown));
    const over = Number(/goto \+(\d+)$/.exec(jump?.text ?? '')?.[1]);
    expect(rows.find((row) => row.kind === 'instruction' && row.slot === jump?.index)).toMatchObject({ target: (jump?.index ?? 0) + 1 + over });
  });

  it('names functions where there are several', () => {
    const own = open(text('call inner\nexit\ninner: r0 = 0\nexit'));
    expect(listingRows(own.program.rows, true).filter(({ kind }) => kind === 'function')).toHaveLength(2);
  });

  it('shows the lines that the object tells of where the file is not at hand', () => {
    const [file = ''] = sourceFiles(program.rows);
    const lines = sourceLines(program.rows, file, null);
    expect(lines.every(({ number }, index) => index === 0 || number > (lines[index - 1]?.number ?? 0))).toBe(true);
    expect(lines[0]?.gap).toBe(true);
    const whole = sourceLines(program.rows, file, 'one\ntwo\n');
    expect(whole.map(({ number, text: line }) => `${number} ${line}`)).toEqual(['1 one', '2 two']);
  });
});

describe('packets', () => {
  const { program } = open(sample);
  const frame = program.example.data;

  it('names the fields of a frame at their places', () => {
    const fields = frameFields(frame);
    expect(fields.map(({ header, name, text: said }) => `${header}.${name} ${said}`)).toEqual(expect.arrayContaining(['ethhdr.h_proto ETH_P_IP', 'iphdr.protocol TCP', 'iphdr.saddr 10.244.0.10', 'iphdr.daddr 10.102.14.7', 'tcphdr.dest 80', 'tcphdr.flags SYN']));
    expect(fields.find(({ name }) => name === 'daddr')).toMatchObject({ offset: 30, length: 4 });
  });

  it('never reads past the end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, ip) => {
        if (ip && bytes.length > 14) bytes.set([8, 0, 0x45], 12);
        for (const { offset, length } of frameFields(bytes)) expect(offset + length).toBeLessThanOrEqual(bytes.length);
      }),
      { seed: 3 },
    );
  });

  it('edits fields in place: payload kept, checksums right', () => {
    const ipv4 = fc.integer({ min: 0, max: 0xffffffff }) as fc.Arbitrary<Ipv4>;
    const port = fc.integer({ min: 0, max: 65535 });
    const fields = fc.record({ protocol: fc.constantFrom('TCP', 'UDP', 'SCTP', 'ICMP'), source: ipv4, destination: ipv4, sourcePort: port, destinationPort: port, flags: fc.integer({ min: 0, max: 255 }), ttl: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fields, fields, (first, second) => {
        const before = editFrame(frame, first);
        before[before.length - 1] = 0x5a;
        const after = editFrame(before, { ...second, protocol: first.protocol });
        expect(checksumsHold(after)).toBe(true);
        expect(after.length).toBe(before.length);
        if (first.protocol === 'UDP') expect(after.at(-1)).toBe(0x5a);
        const read = packetFields(after);
        expect(read).toMatchObject({ protocol: first.protocol, source: second.source, destination: second.destination, ttl: second.ttl });
        if (first.protocol === 'TCP') expect(read?.flags).toBe(second.flags);
      }),
      { seed: 11 },
    );
    expect(packetFields(editFrame(frame, { protocol: 'TCP', source: 1 as Ipv4, destination: 2 as Ipv4, sourcePort: 3, destinationPort: 4, flags: TCP_FLAG.ACK, ttl: 5 }))).toEqual({ protocol: 'TCP', source: 1, destination: 2, sourcePort: 3, destinationPort: 4, flags: 16, ttl: 5 });
    expect(packetFields(Uint8Array.of(1, 2, 3))).toBeNull();
  });

  it('marks changed bytes, also where a header was put before', () => {
    expect(changedBytes(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 9, 3))).toEqual([false, true, false]);
    expect(changedBytes(Uint8Array.of(1, 2, 3), Uint8Array.of(7, 1, 2, 3))).toEqual([true, false, false, false]);
    expect(changedBytes(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2))).toEqual([false, false]);
    expect(changedBytes(Uint8Array.of(1, 2, 3), Uint8Array.of(2, 3))).toEqual([false, false]);
  });

  it('reads hex as people paste it', () => {
    expect(readHex('0a 60:13,0x87\n ff')).toEqual({ bytes: Uint8Array.of(0x0a, 0x60, 0x13, 0x87, 0xff) });
    expect(readHex('')).toEqual({ bytes: new Uint8Array() });
    expect(readHex('0a 6')).toEqual({ found: null, at: 4 });
    expect(readHex('0a zz')).toEqual({ found: 'z', at: 3 });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => { expect(readHex(hexText(bytes))).toEqual({ bytes }); }), { seed: 5 });
  });

  it('reads and writes socket addresses', () => {
    const address = { address: (parseIpv4('10.96.0.10') ?? 0) as Ipv4, port: 53, protocol: 17 };
    const bytes = encodeSockAddr(address);
    expect(decodeSockAddr(bytes)).toEqual(address);
    expect(decodeSockAddr(withSockAddr(bytes, { ...address, port: 80 }))).toEqual({ ...address, port: 80 });
    expect(decodeSockAddr(new Uint8Array(8))).toBeNull();
  });
});

describe('words', () => {
  it.each<readonly [type: string, value: number, name: string | null, means: string]>([
    ['sched_cls', 0, 'TC_ACT_OK', 'passes'],
    ['sched_cls', 2, 'TC_ACT_SHOT', 'drops'],
    ['sched_cls', 7, 'TC_ACT_REDIRECT', 'redirects'],
    ['sched_cls', -1, 'TC_ACT_UNSPEC', 'passes'],
    ['sched_cls', 99, null, 'nothing'],
    ['xdp', 0, 'XDP_ABORTED', 'drops'],
    ['xdp', 1, 'XDP_DROP', 'drops'],
    ['xdp', 2, 'XDP_PASS', 'passes'],
    ['xdp', 3, 'XDP_TX', 'answers'],
    ['xdp', 4, 'XDP_REDIRECT', 'redirects'],
    ['cgroup_sock_addr', 1, null, 'allows'],
    ['cgroup_sock_addr', 0, null, 'refuses'],
    ['cgroup_skb', 1, null, 'allows'],
    ['cgroup_skb', 0, null, 'drops'],
    ['socket_filter', 0, null, 'drops'],
    ['lwt_xmit', 2, 'BPF_DROP', 'drops'],
    ['kprobe', 0, null, 'nothing'],
  ])('%s %i', (type, value, name, means) => {
    expect(verdictName(type, value)).toEqual({ name, means });
  });

  it('knows which entries can be written', () => {
    expect(mapRights({ type: 'hash' })).toEqual({ list: true, put: true, remove: true });
    expect(mapRights({ type: 'array' })).toEqual({ list: true, put: true, remove: false });
    expect(mapRights({ type: 'ringbuf' }).list).toBe(false);
    const perCpuMap = { name: 'm', type: 'percpu_array', keySize: 4, valueSize: 12, maxEntries: 1, entries: 1, buckets: 1, cpus: 2 };
    expect(valueSizes(perCpuMap)).toEqual([12, 32]);
    expect(perCpu(perCpuMap, new Uint8Array(32)).map(({ length }) => length)).toEqual([12, 12]);
  });
});

describe('the example that writing starts with', () => {
  it('is accepted and counts a TCP packet', () => {
    const one = open(text(EXAMPLE_TEXT));
    expect(one.program.check).toMatchObject({ refusal: null });
    expect(run(one).returnValue).toBe(0);
    expect(must(one.room.map('packets', 6, 1)).rows[0]?.value[0]).toBe(1);
  });
});
