import { error, pathText, shown, type Finding, type Path } from './finding.ts';

/** What a field's value has to be. Fields that a shape does not name may be anything. */
export type Shape =
  | 'text'
  | 'flag'
  | 'integer'
  /** A number, or a name: Kubernetes' IntOrString. */
  | 'number-or-name'
  | { readonly list: Shape }
  | { readonly mapOf: Shape }
  | { readonly fields: Readonly<Record<string, Shape>>; readonly required?: readonly string[] };

/** Every place where the value is not of the shape. An absent field is right unless it is required. */
export function mismatches(value: unknown, shape: Shape, path: Path, into: Finding[]): void {
  if (shape === 'number-or-name') {
    if (typeof value !== 'string' && !Number.isSafeInteger(value)) into.push(wrong(value, 'fault_not_port', path));
  } else if (shape === 'text' || shape === 'flag' || shape === 'integer') {
    const isRight = shape === 'text' ? typeof value === 'string' : shape === 'flag' ? typeof value === 'boolean' : Number.isSafeInteger(value);
    if (!isRight) into.push(wrong(value, `fault_not_${shape}`, path));
  } else if ('list' in shape) {
    if (!Array.isArray(value)) into.push(wrong(value, 'fault_not_list', path));
    else value.forEach((element, index) => mismatches(element, shape.list, [...path, index], into));
  } else if (!isRecord(value)) {
    into.push(wrong(value, 'fault_not_map', path));
  } else if ('mapOf' in shape) {
    for (const [key, inner] of Object.entries(value)) mismatches(inner, shape.mapOf, [...path, key], into);
  } else {
    for (const key in shape.fields) {
      const inner = value[key];
      if (inner !== undefined) mismatches(inner, shape.fields[key] as Shape, [...path, key], into);
      else if (shape.required?.includes(key)) into.push(error('fault_missing', path, { field: pathText([...path, key]) }));
    }
  }
}

function wrong(value: unknown, message: string, path: Path): Finding {
  return error(message, path, { field: pathText(path), found: shown(value) });
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Takes fields that are null out of a value just parsed, in place: to the API server a null field is an absent one.
 * kubectl prints `endpoints: null` and `ports: null`.
 */
export function dropNulls(value: unknown): void {
  if (Array.isArray(value)) for (const element of value) dropNulls(element);
  else if (isRecord(value)) {
    for (const key of Object.keys(value)) {
      if (value[key] === null) Reflect.deleteProperty(value, key);
      else if (typeof value[key] === 'object') dropNulls(value[key]);
    }
  }
}
