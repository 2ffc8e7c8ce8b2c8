import type { Figure, Profile } from '../../src/cost/profile.ts';
import type { ProfileSource } from '../../src/simulation/profile-source.ts';

/** Prices made up for tests alone: each counter has its own, so that no two mixed-up counters give one sum. */
const figure = (ns: number): Figure => ({ ns, low: ns, high: ns, mark: 'measured', source: 'made up for a test' });

export function testProfile(id: string, backend: Profile['backend']): Profile {
  return {
    version: 1,
    id,
    backend,
    kernel: 'none',
    processor: 'none',
    date: '2026-01-01',
    setup: 'made up for a test',
    command: 'none',
    units: { rulesEvaluated: figure(3), chainsEntered: figure(17), instructions: figure(1), mapLookups: figure(29), conntrackInserts: figure(101) },
    fixed: { 'way-in': figure(1000), 'way-out': figure(2000), route: figure(50) },
    update: { units: { rulesHandedOver: figure(7), bytesCopied: figure(0.5), entriesWritten: figure(900) }, fixed: { commit: figure(40) } },
    points: [],
    updatePoints: [],
  };
}

export const TEST_PROFILES: ProfileSource = {
  find: (id) => (id === 'legacy' || id === 'nft' ? testProfile(id, id) : undefined),
};
