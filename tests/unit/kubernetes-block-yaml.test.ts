import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseDocument, stringify } from 'yaml';
import { preset } from '../../src/kubernetes/presets.ts';
import { parseBlockYaml } from '../../src/kubernetes/reading/block-yaml.ts';

/** The whole parser's answer; undefined where it has a fault to say. */
function whole(text: string): { value: unknown } | undefined {
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'error' });
  return document.errors.length > 0 ? undefined : { value: document.toJS() as unknown };
}

/** What kubectl prints: indentless lists, keys in order, no folding. */
const print = (value: unknown) => stringify(value, { indentSeq: false, sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false, defaultStringType: 'PLAIN', blockQuote: 'literal' });

describe('what kubectl prints is read', () => {
  const golden = readdirSync('tests/conformance/golden').filter((name) => name.startsWith('case-'));
  const objects = [...preset('shop', 1), ...preset('50', 1), ...golden.flatMap((name) => (JSON.parse(readFileSync(`tests/conformance/golden/${name}/cluster.json`, 'utf8')) as { items: object[] }).items)];

  test('every object of the golden cases and the presets', () => {
    expect(objects.length).toBeGreaterThan(500);
    for (const object of objects) expect(parseBlockYaml(print(object))).toEqual({ value: JSON.parse(JSON.stringify(object)) as unknown });
  });

  test.each<[string, string, unknown]>([
    ['an annotation of several lines', 'a:\n  b: |\n    {"kind":"Service"}\n\n      more\n  c: 1\n', { a: { b: '{"kind":"Service"}\n\n  more\n', c: 1 } }],
    ['one without a line end', 'a: |-\n  x\n\nb: z\n', { a: 'x', b: 'z' }],
    ['quoted texts', 'a: "80"\nb: \'it\'\'s\'\nc: "a\\n\\"b\\""\n', { a: '80', b: "it's", c: 'a\n"b"' }],
    ['empty values', 'a: {}\nb: []\nc: null\nd: ""\ne:\nf: x\n', { a: {}, b: [], c: null, d: '', e: null, f: 'x' }],
    ['comments and blank lines', '# all\na: 1\n\n  # of a\nb: 2\n', { a: 1, b: 2 }],
    ['CRLF', 'a:\r\n- b: 1\r\n  c: x\r\n- d\r\n', { a: [{ b: 1, c: 'x' }, 'd'] }],
    ['lists of lists', '- - a\n  - b\n- c\n', [['a', 'b'], 'c']],
    ['dates, addresses and versions', 'a: 2026-01-12T09:11:42Z\nb: 10.96.0.1\nc: v1\nd: 1.2.3\n', { a: '2026-01-12T09:11:42Z', b: '10.96.0.1', c: 'v1', d: '1.2.3' }],
  ])('%s', (_, text, value) => {
    expect(parseBlockYaml(text)).toEqual({ value });
    expect(whole(text)).toEqual({ value });
  });
});

test.each([
  'a: b: c\n', 'a: &x 1\n', 'a: *x\n', 'a: [1, 2]\n', 'a: {b: 1}\n', 'a: b\n  c\n', 'a: "b\n  c"\n', 'a: 1\na: 2\n', '\ta: 1\n', 'a: >\n  b\n', 'a: 0x10\n', 'a: 1.5\n', 'a: 08\n', 'a: -1\n', 'a: !!str 1\n',
  '"a": 1\n', 'a: |+\n  b\n', '? a\n', 'a:\n    b: 1\n  c: 2\n', 'a: 1\n b: 2\n', 'a: yes\n', 'a: ~\n', 'null: 1\n', 'a: b # c\n', '- a\nb: 1\n', 'a: |\n\n  b\n', 'a: 12345678901234567890\n',
])('what is beyond it is left to the whole parser: %j', (text) => {
  expect(parseBlockYaml(text)).toBeUndefined();
});

test('a value that it gives is the whole parser’s', () => {
  const word = fc.constantFrom('a', 'b', 'a-b', '80', '0', '007', '1e3', '1.0', '10.0.0.1', 'true', 'null', 'No', '"x"', '"\\u00e9"', "'y'", '{}', '[]', '|', '|-', '#c', 'a #b', '-', '-1', 'a:', ':', 'x:y', '&a', '*a', '"', "it's", '0o7', '.5', 'é', '~', '');
  const start = fc.constantFrom('', 'a: ', 'b:', 'c: ', 'd/e:', '- ', '- a: ', '- b:', '- - ', 'x.y-z: ', '  ', 'null: ', '80: ', '# ');
  const line = fc.tuple(fc.constantFrom(0, 0, 1, 2, 2, 2, 3, 4, 4, 6), start, word, fc.constantFrom('', '', '', ' ', '\r')).map(([indent, from, rest, end]) => ' '.repeat(indent) + from + rest + end);
  let read = 0;
  fc.assert(fc.property(fc.array(line, { minLength: 1, maxLength: 7 }), fc.constantFrom('', '\n', '\n\n'), (lines, end) => {
    const text = `${lines.join('\n')}${end}`;
    const block = parseBlockYaml(text);
    if (!block) return;
    read += 1;
    expect(block).toEqual(whole(text));
  }), { seed: 7, numRuns: 30_000 });
  // Of random lines few are YAML at all.
  expect(read).toBeGreaterThan(1000);
});
