/** JSON that is not what it should be: the place of the field, and what is expected there. */
export class FieldError extends Error {
  override readonly name = 'FieldError';
  readonly place: string;

  constructor(place: string, sentence: string) {
    super(place === '' ? sentence : `${place}: ${sentence}`);
    this.place = place;
  }
}

export type Fields = Readonly<Record<string, unknown>>;
/** Reads one value; `place` is its name in sentences. Throws `FieldError`. */
export type Reader<T> = (value: unknown, place: string) => T;

const LONGEST_SHOWN = 40;

/** JSON text as values of types unknown. Throws `FieldError` in the parser's own words. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new FieldError('', `This is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export const fields: Reader<Fields> = (value, place) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw expected('an object', value, place);
  return value as Fields;
};

export const text: Reader<string> = (value, place) => {
  if (typeof value !== 'string') throw expected('a text', value, place);
  return value;
};

/** A whole number, as JSON can hold it exactly. */
export const integer: Reader<number> = (value, place) => {
  if (!Number.isSafeInteger(value)) throw expected('a whole number', value, place);
  return value as number;
};

export const number: Reader<number> = (value, place) => {
  if (typeof value !== 'number') throw expected('a number', value, place);
  return value;
};

export const flag: Reader<boolean> = (value, place) => {
  if (typeof value !== 'boolean') throw expected('true or false', value, place);
  return value;
};

/** The same reader for every element of a list. */
export function list<T>(value: unknown, place: string, element: Reader<T>): readonly T[] {
  if (!Array.isArray(value)) throw expected('a list', value, place);
  return value.map((one, index) => element(one, `${place}[${index}]`));
}

export function orNull<T>(read: Reader<T>): Reader<T | null> {
  return (value, place) => (value === null ? null : read(value, place));
}

/** A field that may be left out: its value under its name, or nothing. */
export function optional<K extends string, T>(owner: Fields, name: K, place: string, read: Reader<T>): { readonly [key in K]?: T } {
  const value = owner[name];
  return value === undefined ? {} : ({ [name]: read(value, place) } as { readonly [key in K]: T });
}

function expected(what: string, found: unknown, place: string): FieldError {
  if (found === undefined) return new FieldError(place, `This field is missing; it is ${what}.`);
  const shown = JSON.stringify(found);
  return new FieldError(place, `Here ${what} is expected, not ${shown.length > LONGEST_SHOWN ? `${shown.slice(0, LONGEST_SHOWN)}…` : shown}.`);
}
