/** Steps from an object's root to a value within it: `['spec', 'ports', 0, 'port']`. */
export type Path = readonly (string | number)[];

/** A fault that knows its value but not yet the value's place in the text. */
export interface Finding {
  readonly severity: 'error' | 'note';
  /** Key of a message, `fault_…`. */
  readonly message: string;
  readonly values: Readonly<Record<string, string | number>>;
  readonly path: Path;
}

export function error(message: string, path: Path, values: Finding['values'] = {}): Finding {
  return { severity: 'error', message, values, path };
}

export function note(message: string, path: Path, values: Finding['values'] = {}): Finding {
  return { severity: 'note', message, values, path };
}

/** As kubectl writes a field's place: `spec.ports[0].port`. */
export function pathText(path: Path): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');
}

const SHOWN = 60;

/** A value as a person sees it in a sentence: one line, cut where it is long. */
export function shown(value: unknown): string {
  const text = (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).replace(/\s+/g, ' ');
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
