import { asSimulationError, SimulationError, type SimulationErrorKey } from './simulation-error.ts';

/** What crosses from the worker: of a thrown error, structured cloning keeps only the text. */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly key: SimulationErrorKey; readonly values: SimulationError['values'] };

export async function answer<T>(work: () => T | Promise<T>): Promise<Answer<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (thrown) {
    const { key, values } = asSimulationError(thrown);
    return { ok: false, key, values };
  }
}

/** The value, or the error thrown again. */
export function valueOf<T>(answered: Answer<T>): T {
  if (answered.ok) return answered.value;
  throw new SimulationError(answered.key, answered.values);
}
