import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chainListWork } from '../../src/datapaths/iptables/nft-chain-list.ts';
import { readPayload } from '../../src/datapaths/iptables/nft-payload.ts';

/** A payload's text, told line by line. */
function told(text: string): Parameters<typeof readPayload>[0] {
  return {
    write(sink) {
      for (const line of text.split('\n')) {
        if (line.startsWith('*')) sink.table(line.slice(1) as 'filter' | 'nat');
        else if (line.startsWith(':')) sink.declare(line.slice(1).split(' ')[0] ?? '');
        else if (line.startsWith('-A')) sink.line(line);
        else if (line.startsWith('-X')) sink.deleteChain(line.slice(3));
        else if (line === 'COMMIT') sink.commit();
      }
    },
  };
}

/** The two lists as iptables-nft keeps them, walked for real. */
function slow(payload: string, exists: (table: string, chain: string) => boolean) {
  let [chainsPassed, chainsAsked] = [0, 0];
  const walk = (list: string[], name: string) => {
    for (let i = 0; i < list.length; i++) {
      chainsPassed += 1;
      if (list[i] === name) return;
      if ((list[i] ?? '') > name) {
        list.splice(i, 0, name);
        return;
      }
    }
    list.push(name);
  };
  for (const part of payload.split('COMMIT\n')) {
    const lines = part.split('\n');
    const table = lines[0]?.slice(1) ?? '';
    const declared = lines.filter((line) => line.startsWith(':')).map((line) => line.slice(1).split(' ')[0] ?? '');
    const chain = (name: string) => declared.includes(name) || exists(table, name);
    const asked: string[] = [];
    for (const name of declared) walk(asked, name);
    for (const line of lines) {
      const [, own = '', jump] = /^-[AX] (\S+)(?:.* -j (\S+))?/.exec(line) ?? [];
      if (chain(own)) walk(asked, own);
      if (jump !== undefined && chain(jump)) walk(asked, jump);
    }
    chainsAsked += asked.length;
    const known: string[] = [];
    for (const name of asked) if (exists(table, name)) walk(known, name);
    for (const name of declared) if (!exists(table, name)) walk(known, name);
  }
  return { chainsPassed, chainsAsked };
}

test('counts what the walks through both lists would compare', () => {
  const name = fc.integer({ min: 0, max: 30 }).map((n) => `KUBE-${(n * 7919) % 31}`);
  const jump = fc.oneof(name, fc.constant('DNAT --to-destination 10.0.0.1:80'), fc.constant('RETURN'));
  const rule = fc.tuple(name, jump).map(([chain, target]) => `-A ${chain} -m comment --comment "a" -j ${target}`);
  const table = fc.record({ name: fc.constantFrom('nat', 'filter'), declared: fc.uniqueArray(name, { maxLength: 20 }), rules: fc.array(rule, { maxLength: 40 }), removed: fc.uniqueArray(name, { maxLength: 3 }) });
  fc.assert(
    fc.property(fc.array(table, { minLength: 1, maxLength: 2 }), fc.uniqueArray(name, { maxLength: 20 }), (tables, there) => {
      const payload = tables.map((one) => [`*${one.name}`, ...one.declared.map((chain) => `:${chain} - [0:0]`), ...one.rules, ...one.removed.map((chain) => `-X ${chain}`), 'COMMIT', ''].join('\n')).join('');
      const exists = (of: string, chain: string) => of === 'nat' && there.includes(chain);
      expect(chainListWork(readPayload(told(payload), exists))).toEqual(slow(payload, exists));
    }),
    { seed: 11, numRuns: 300 },
  );
});

test('a payload of one new chain', () => {
  // Asked for: A, then A again (found at once), then B (past A). Known: B, which stands; then A, compared with it.
  expect(chainListWork(readPayload(told('*nat\n:A - [0:0]\n-A A -j B\nCOMMIT\n'), (_, chain) => chain === 'B'))).toEqual({ chainsPassed: 3, chainsAsked: 2 });
});
