import type { ClusterChange, ObjectChange } from './change.ts';
import { checkObject, nameOf } from './reading/check-object.ts';
import { error, shown, type Finding } from './reading/finding.ts';
import { isRecord } from './reading/shape.ts';
import { isReadKind } from './reading/shapes.ts';

/** What is wrong with one change; steps and changes count from 1. */
export interface ChangeFault {
  readonly step: number;
  readonly change: number;
  readonly object: string | null;
  readonly finding: Finding;
}

export interface ChangesReading {
  readonly steps: readonly ClusterChange[];
  /** Errors: such changes are left out. */
  readonly faults: readonly ChangeFault[];
}

/**
 * Reads steps of changes: a list of steps, a step a list of `{op: 'add' | 'update' | 'delete', object}`. Objects are
 * checked as those of a cluster's text are; kinds that are not read are left out.
 */
export function readChanges(value: unknown): ChangesReading {
  const faults: ChangeFault[] = [];
  const fault = (step: number, change: number, object: string | null, finding: Finding) => faults.push({ step: step + 1, change: change + 1, object, finding });
  if (!Array.isArray(value)) {
    fault(-1, -1, null, error('fault_not_list', [], { field: 'steps', found: shown(value) }));
    return { steps: [], faults };
  }
  const steps = value.map((step: unknown, stepIndex): ClusterChange => {
    if (!Array.isArray(step)) {
      fault(stepIndex, -1, null, error('fault_not_list', [], { field: `steps[${stepIndex}]`, found: shown(step) }));
      return [];
    }
    return step.flatMap((change: unknown, index): ObjectChange[] => {
      if (!isRecord(change) || !isOp(change['op'])) {
        fault(stepIndex, index, null, error('fault_op', [], { found: shown(isRecord(change) ? change['op'] : change) }));
        return [];
      }
      const { op, object } = change;
      if (!isRecord(object) || typeof object['kind'] !== 'string') {
        fault(stepIndex, index, null, error('fault_not_object', [], { found: shown(object) }));
        return [];
      }
      const { kind } = object;
      if (!isReadKind(kind)) return [];
      const checked = checkObject(object, kind);
      for (const finding of checked.findings) if (finding.severity === 'error') fault(stepIndex, index, nameOf(object, kind), finding);
      return checked.object ? [{ op, object: checked.object }] : [];
    });
  });
  return { steps, faults };
}

function isOp(value: unknown): value is ObjectChange['op'] {
  return value === 'add' || value === 'update' || value === 'delete';
}
