import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { countTraffic } from '../../lab/nft/counted.ts';
import type { Recording } from '../../lab/nft/record.ts';
import { GOLDEN_SEQUENCES, goldenSequence, PRESET_SEQUENCES, presetSequence } from '../../lab/nft/sequences.ts';

/**
 * What strace saw of `iptables-nft-restore --noflush --counters` for every payload of a sequence (lab/nft/record.ts), and
 * what the model counts: the same calls and bytes, each way.
 */
const recording = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, 'nft', `${name}.json`), 'utf8')) as Recording;

describe.each([...PRESET_SEQUENCES.map(presetSequence), ...GOLDEN_SEQUENCES.map(goldenSequence)].map((sequence) => [sequence.name, sequence] as const))('%s', (name, sequence) => {
  const { syncs } = recording(name);
  test('every payload’s calls and bytes', () => {
    const counted = [...countTraffic(sequence)].map(({ name: sync, payload, traffic }) => ({ name: sync, kind: payload.kind, payloadBytes: payload.bytes, traffic }));
    expect(counted).toEqual(syncs);
  });
});
