import { FieldError, fields, flag, integer, list, orNull, parseJson, text, type Reader } from '../json-fields.ts';
import type { InstructionRow, MapInfo } from '../view.ts';
import { BpfError, type CheckResult, type CollectionSpec, type MapSpec, type ProgramSpec } from './vm.ts';

/** A map as the VM tells of it: user space has a value for every CPU of a per-CPU map, one behind the other. */
export interface VmMapInfo extends MapInfo {
  readonly userValueSize: number;
}

/** What crosses the border to the VM as JSON (`wasm/src/lib.rs`), read into types. Each throws `BpfError` where it is something else. */
export const fromVm = {
  spec: reader('the object’s spec', (value, place): CollectionSpec => {
    const { programs, maps } = fields(value, place);
    return { programs: list(programs, `${place}.programs`, program), maps: list(maps, `${place}.maps`, mapSpec) };
  }),
  error: reader('an error', (value, place): BpfError => {
    const { message, program: name, instruction } = fields(value, place);
    return new BpfError(text(message, `${place}.message`), orNull(text)(name, `${place}.program`), orNull(integer)(instruction, `${place}.instruction`));
  }),
  helperCalls: reader('the helper calls', (value, place): Readonly<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const [helper, count] of Object.entries(fields(value, place))) counts[helper] = integer(count, `${place}.${helper}`);
    return counts;
  }),
  check: reader('the checker’s result', (value, place): CheckResult => {
    const { refusal, followed, gaveUp } = fields(value, place);
    return { refusal: orNull(refused)(refusal, `${place}.refusal`), followed: integer(followed, `${place}.followed`), gaveUp: flag(gaveUp, `${place}.gaveUp`) };
  }),
  instructions: reader('the listing', (value, place): readonly InstructionRow[] => list(value, place, instruction)),
  mapInfo: reader('the map', (value, place): VmMapInfo => {
    const one = fields(value, place);
    const { name, type, keySize, valueSize, maxEntries } = mapSpec(one, place);
    const count = (field: string) => integer(one[field], `${place}.${field}`);
    return { name, type, keySize, valueSize, maxEntries, entries: count('entries'), buckets: count('buckets'), cpus: count('cpus'), userValueSize: count('userValueSize') };
  }),
};

function reader<T>(what: string, read: Reader<T>): (json: string) => T {
  return (json) => {
    try {
      return read(parseJson(json), what);
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      throw new BpfError(`The VM’s answer cannot be read (${error.message}) Build wasm/pkg from the sources as they are: npm run wasm.`);
    }
  };
}

const program: Reader<ProgramSpec> = (value, place) => {
  const one = fields(value, place);
  const word = (field: string) => text(one[field], `${place}.${field}`);
  return { name: word('name'), section: word('section'), type: word('type'), license: word('license'), instructions: integer(one['instructions'], `${place}.instructions`), unsupported: orNull(text)(one['unsupported'], `${place}.unsupported`) };
};

const mapSpec: Reader<MapSpec> = (value, place) => {
  const one = fields(value, place);
  const count = (field: string) => integer(one[field], `${place}.${field}`);
  return { name: text(one['name'], `${place}.name`), type: text(one['type'], `${place}.type`), keySize: count('keySize'), valueSize: count('valueSize'), maxEntries: count('maxEntries'), flags: count('flags') };
};

const refused: Reader<NonNullable<CheckResult['refusal']>> = (value, place) => {
  const { instruction: slot, message } = fields(value, place);
  return { instruction: integer(slot, `${place}.instruction`), message: text(message, `${place}.message`) };
};

/** `[slot, text, file, line, source, function]`. */
const instruction: Reader<InstructionRow> = (value, place) => {
  const [index, words, file, line, source, begins] = list(value, place, (one) => one);
  const word = (found: unknown, at: number) => orNull(text)(found, `${place}[${at}]`);
  const name = word(begins, 5);
  return { index: integer(index, `${place}[0]`), text: text(words, `${place}[1]`), file: word(file, 2), line: orNull(integer)(line, `${place}[3]`), source: word(source, 4), ...(name === null ? {} : { begins: name }) };
};
