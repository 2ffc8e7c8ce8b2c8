import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fault } from '../../src/kubernetes/fault.ts';
import { readCluster, summarize } from '../../src/kubernetes/read.ts';
import type { Reading } from '../../src/simulation/api.ts';
import en from '../../messages/en.json';
import { faultRows, topOf, visibleLines, wordAt } from '../../src/ui/open/fault-rows.ts';
import { codeParts, faultSentence } from '../../src/ui/open/fault-sentence.ts';
import { joinFiles } from '../../src/ui/open/join-files.ts';
import { indexLines, lineText, LONGEST_LINE, offsetOf } from '../../src/ui/open/line-index.ts';
import { mended, mendOf } from '../../src/ui/open/mend.ts';
import { countServices, readRows } from '../../src/ui/open/reading-summary.ts';

const service = { name: 'shop/cart', address: '10.96.0.1', endpoints: 2, line: 1 };
const fault: Fault = { severity: 'error', message: 'fault_x', values: {}, line: 9, column: 3, object: 'Service shop/pay' };
const reading = (faults: readonly Fault[], services = [service]): Reading => ({ lines: 20, services, endpoints: 2, ignored: {}, faults, becomes: { rules: 23, entries: 0 } });

test.each([
  ['none left out', [], 1, 1],
  ['two errors of one Service count once', [fault, fault], 1, 2],
  ['a note leaves nothing out', [{ ...fault, severity: 'note' as const }], 1, 1],
  ['an error of another kind is no Service', [{ ...fault, object: 'EndpointSlice shop/pay' }], 1, 1],
  ['an error in a Service that is kept', [{ ...fault, object: 'Service shop/cart' }], 1, 1],
  ['an error of the text itself', [{ ...fault, object: null }], 1, 1],
])('%s', (_, faults, good, total) => {
  expect(countServices(reading(faults))).toMatchObject({ good, total });
});
test('of many Services those left out are among the rows, in the text’s order', () => {
  const many = Array.from({ length: 30 }, (_, index) => ({ ...service, name: `shop/s${index}`, line: index * 10 + 1 }));
  const rows = readRows(reading([{ ...fault, line: 15 }, { ...fault, object: 'Service shop/late', line: 299 }], many), 6);
  expect(rows.map(({ line }) => line)).toEqual([1, 11, 15, 21, 31, 299]);
  expect(rows.filter((row) => row.service === null).map(({ name }) => name)).toEqual(['shop/pay', 'shop/late']);
});

describe('lines of a text', () => {
  test('agree with splitting it, whatever it is', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', '\n', '\r\n', ' ', 'ü') }), (text) => {
      const index = indexLines(text);
      const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
      expect(index.lines).toBe(lines.length);
      expect(lines.map((_, at) => lineText(index, at + 1))).toEqual(lines);
    }), { seed: 1 });
  });
  test('lines that are not there are empty, long ones are cut', () => {
    const index = indexLines(`a\n${'b'.repeat(5000)}`);
    expect([lineText(index, 0), lineText(index, 3), lineText(index, 2).length]).toEqual(['', '', LONGEST_LINE]);
  });
  test('more lines than a first guess', () => {
    const index = indexLines('x\n'.repeat(5000));
    expect([index.lines, lineText(index, 5000), lineText(index, 5001)]).toEqual([5001, 'x', '']);
  });
  test('offset of a place', () => {
    expect(offsetOf(indexLines('ab\ncd'), 2, 2)).toBe(4);
    expect(offsetOf(indexLines('ab'), 9, 1)).toBe(2);
  });
});

describe('lines with boxes under them', () => {
  const at = (line: number) => ({ ...fault, line });
  test('a box pushes what follows down', () => {
    const rows = faultRows(10, [at(3), at(3), at(5)], 20, (line) => line * 10);
    expect([1, 3, 4, 5, 6].map((line) => topOf(rows, line))).toEqual([0, 40, 90, 110, 180]);
    expect(rows.height).toBe(10 * 20 + 80);
  });
  test('a fault after the last line is shown under it', () => {
    expect(faultRows(3, [at(9)], 20, () => 10).gaps).toEqual([{ line: 3, height: 10, before: 0 }]);
  });
  test('what is seen are the lines that lie there', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 20 }), fc.nat(6000), (faulty, top) => {
      const rows = faultRows(200, faulty.map(at), 20, () => 84);
      const { first, last } = visibleLines(rows, 200, top, top + 300);
      expect(first === 1 || topOf(rows, first) <= top).toBe(true);
      expect(first === 200 || topOf(rows, first + 1) > top).toBe(true);
      expect(last === 200 || topOf(rows, last + 1) > top + 300).toBe(true);
    }), { seed: 2 });
  });
  test.each([
    ['    protocol: TCP', 5, 'protocol'],
    ['  port: "80"', 9, '"80"'],
    ['\tkind: x', 1, '\t'],
    ['abc', 99, ''],
  ])('%j at column %s points at %j', (text, column, word) => {
    const parts = wordAt(text, column);
    expect(parts.word).toBe(word);
    expect(parts.before + parts.word + parts.after).toBe(text);
  });
});

test('a fault is said by its message, or shown as it is where there is none', () => {
  expect(faultSentence({ ...fault, message: 'fault_port_range', values: { field: 'spec.ports[0].port', found: 0 } })).toBe(en.fault_port_range.replace('{field}', 'spec.ports[0].port').replace('{found}', '0'));
  expect(faultSentence({ ...fault, message: 'fault_of_tomorrow', values: { found: 'x' } })).toBe('fault_of_tomorrow x');
});
test('names of the format stand apart', () => {
  expect(codeParts('`port` is 0: `x`')).toEqual([{ text: 'port', code: true }, { text: ' is 0: ', code: false }, { text: 'x', code: true }]);
});

const yaml = (port: string) => `apiVersion: v1\nkind: Service\nmetadata:\n  name: cart\n  namespace: shop\nspec:\n  clusterIP: 10.96.0.9\n  ports:\n${port}`;
describe('mending', () => {
  test.each([
    ['lower-case protocol', yaml('  - port: 80\n    protocol: tcp\n'), 'protocol', 'protocol: TCP'],
    ['quoted number', yaml('  - port: "80"\n    protocol: TCP\n'), 'integer', '- port: 80'],
    ['tab', yaml('\t- port: 80\n'), 'tab', '  - port: 80'],
  ])('%s: the button’s text reads without that fault', (_, text, kind, after) => {
    const before = readCluster(text).faults;
    const mends = before.map((one) => mendOf(one, indexLines(text))).filter((mend) => mend !== null);
    expect(mends.map((mend) => mend.kind)).toEqual([kind]);
    const done = mended(text, mends[0]!);
    expect(done).toContain(after);
    const again = readCluster(done);
    expect(again.faults.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(summarize(again).services).toHaveLength(1);
  });
  test('what has no certain answer gets no button', () => {
    const text = yaml('  - port: 80\n    protocol: ICMP\n');
    const { faults } = readCluster(text);
    expect(faults.some(({ message }) => message === 'fault_protocol')).toBe(true);
    expect(faults.map((one) => mendOf(one, indexLines(text)))).toEqual(faults.map(() => null));
  });
});

test.each([
  ['YAML', ['kind: A', 'kind: B'], 'kind: A\n---\nkind: B'],
  ['JSON', ['{"a":1}', ' [1]'], '{"a":1}\n [1]'],
  ['one', ['kind: A'], 'kind: A'],
])('files of %s', (_, texts, joined) => {
  expect(joinFiles(texts)).toBe(joined);
});
