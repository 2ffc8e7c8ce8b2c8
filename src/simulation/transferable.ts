import type { Trace } from '../datapaths/trace.ts';
import type { Lane } from './api.ts';

/** The buffers of the lanes' traces: they are handed to the page, not copied. */
export function buffersOf(lanes: readonly Lane[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { report } of lanes) {
    for (const array of arraysOf(report.trace)) {
      // A view of something larger must be copied: the rest belongs to others.
      if (array.buffer instanceof ArrayBuffer && array.byteLength === array.buffer.byteLength) buffers.add(array.buffer);
    }
  }
  return [...buffers];
}

function arraysOf(trace: Trace | null): (Int32Array | Uint8Array | BigUint64Array)[] {
  if (!trace) return [];
  return trace.kind === 'chain' ? [trace.rule, trace.outcome, trace.failedMatch] : [trace.instruction, trace.registers];
}
