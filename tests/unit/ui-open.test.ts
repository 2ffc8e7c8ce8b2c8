import { expect, test } from 'vitest';
import { countServices } from '../../src/ui/open/reading-summary.ts';

const service = { name: 'shop/cart', address: '10.96.0.1', endpoints: 2, line: 1 };
const fault = { severity: 'error', message: 'fault_x', values: {}, line: 9, column: 3, object: 'Service shop/pay' } as const;
test.each([
  ['none left out', [], 1, 1],
  ['two errors of one Service count once', [fault, fault], 1, 2],
  ['a note leaves nothing out', [{ ...fault, severity: 'note' as const }], 1, 1],
  ['an error of another kind is no Service', [{ ...fault, object: 'EndpointSlice shop/pay' }], 1, 1],
  ['an error in a Service that is kept', [{ ...fault, object: 'Service shop/cart' }], 1, 1],
])('%s', (_, faults, good, total) => {
  expect(countServices({ lines: 20, services: [service], endpoints: 2, ignored: {}, faults })).toEqual({ good, total });
});
