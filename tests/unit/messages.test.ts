import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';

type Messages = Readonly<Record<string, string>>;
const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (language: 'en' | 'ko'): Messages =>
  Object.fromEntries(Object.entries(JSON.parse(readFileSync(join(root, 'messages', `${language}.json`), 'utf8')) as Messages).filter(([key]) => key !== '$schema'));
const en = read('en');
const ko = read('ko');
const placeholders = (text = '') => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))].sort();

/** Keys that are only known when something goes wrong: they stand in the source as texts, under these prefixes. */
const BY_TEXT = ['client_', 'fault_', 'link_', 'simulation_'];
/** Keys put together from parts, by what they begin with in the source: `fault_not_${kind}`. */
const COMPUTED = ['fault_not_'];
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(ts|svelte)$/.test(path) && !path.includes('paraglide'))
  .map((path) => readFileSync(join(root, 'src', path), 'utf8'));
const said = new Set(sources.filter((source) => source.includes('paraglide/messages.js')).flatMap((source) => [...source.matchAll(/\bm\.(\w+)/g)].map(([, key = '']) => key)));
const texts = new Set(sources.flatMap((source) => [...source.matchAll(/['"`](\w+)['"`]/g)].map(([, key = '']) => key)));
const computed = COMPUTED.filter((prefix) => sources.some((source) => source.includes(`\`${prefix}\${`)));

describe('the messages', () => {
  test('both languages have the same ones', () => {
    expect(Object.keys(ko).sort()).toEqual(Object.keys(en).sort());
  });

  test('with the same placeholders', () => {
    for (const [key, text] of Object.entries(en)) expect(placeholders(ko[key]), key).toEqual(placeholders(text));
  });

  test('each of them is used', () => {
    const used = (key: string) => said.has(key) || computed.some((prefix) => key.startsWith(prefix)) || (BY_TEXT.some((prefix) => key.startsWith(prefix)) && texts.has(key));
    expect(Object.keys(en).filter((key) => !used(key))).toEqual([]);
  });

  test('and each that is used is there', () => {
    expect([...said].filter((key) => en[key] === undefined)).toEqual([]);
  });

  // A published or measured figure comes from the data, with its source: never from a text.
  test('no year of a source and no measured time stands in a text', () => {
    for (const messages of [en, ko]) for (const [key, text] of Object.entries(messages)) expect(text.replace(/\{\w+\}/g, ''), key).not.toMatch(/\b20[0-3]\d\b|\d+ (µs|ms|min|minutes|분)\b/);
  });
});

/**
 * Particles whose form hangs on the sound before them: behind a value nobody knows which is right. `이(가)`, `을(를)`
 * and `(으)로` are right behind any.
 */
const PARTICLE = /\}[”’"'`)]*(?:은|는|이|가|을|를|와|과|로|으로|라는|이라는|라고|이라고|야|아|나|이나)(?=$|[\s.,:;!?)”’])/;

describe('the Korean messages', () => {
  it.each(['규칙 {rule}은 목적지를 찾는다.', '“{name}”가 맞지 않아', '{service}라는 서비스', '{time}는', '`{key}`가', '{device}로 떠나'])('the search for particles finds “%s”', (text) => {
    expect(text).toMatch(PARTICLE);
  });
  it.each(['{rule}번 규칙은', '“{found}”은(는) 이름이 아닙니다', '{address}(으)로', '{map}에서 {key}의 항목을', '{found}인데 {found}입니다', '{count}개가'])('and lets “%s” stand', (text) => {
    expect(text).not.toMatch(PARTICLE);
  });

  test('no particle hangs on a value', () => {
    expect(Object.entries(ko).filter(([, text]) => PARTICLE.test(text))).toEqual([]);
  });

  test('one word for one thing', () => {
    // Names of the format stand between backticks, and what is not a person's text is as the API writes it.
    const plain = (text: string) => text.replace(/`[^`]*`/g, '');
    const other = /(?<![A-Za-z])Services?(?![A-Za-z])|엔트리|프로파일|주세요|붙여 넣/;
    expect(Object.entries(ko).filter(([, text]) => other.test(plain(text)))).toEqual([]);
    expect(Object.entries(ko).filter(([key, text]) => /^(race|inspector|programs)_/.test(key) && /명령(?!어)/.test(text))).toEqual([]);
  });

  /** What tells what happens is told plainly (-다); what speaks to the person is polite (-니다, -세요). */
  const TOLD = /^(inspector_|race_|chart_|update_(?!none)|programs_step_)/;
  const polite = (text: string) => /니다|세요/.test(text);
  const plain = (text: string) => /[^니마]다(?:[.:]\s|[.)]*$)/.test(text);
  test('one style of sentence for what is told, one for what speaks to the person', () => {
    expect(Object.entries(ko).filter(([key, text]) => TOLD.test(key) && polite(text))).toEqual([]);
    expect(Object.entries(ko).filter(([, text]) => polite(text) && plain(text))).toEqual([]);
  });
});
