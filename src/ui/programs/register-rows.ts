import type { ProgramAccess } from '../../simulation/programs/api.ts';
import { programKind } from '../../simulation/programs/program-kind.ts';
import { pointerOf, pointerText, type Pointer } from './pointer-name.ts';
import { REGISTERS, type RunTrace } from './run-trace.ts';

export interface RegisterRow {
  readonly name: string;
  /** null: the program has put nothing into it yet. */
  readonly value: string | null;
  readonly pointer: Pointer | null;
  /** Beside the value: the map's name, the context's struct; for numbers the same in decimal. */
  readonly note: string;
  readonly changed: boolean;
}

const STRUCT = { skb: '__sk_buff', xdp: 'xdp_md', sock_addr: 'bpf_sock_addr', bytes: '' } as const;
const LONGEST = 12;

/** r0 to r10 at a place of a run, each as what it holds. */
export function registerRows(trace: RunTrace, place: number, maps: readonly string[], type: string): RegisterRow[] {
  const values = trace.registers(place);
  const changed = trace.changed(place);
  const fp = values[REGISTERS - 1] ?? 0n;
  const ended = place >= trace.end;
  return values.map((recorded, register) => {
    const name = `r${register}`;
    const value = ended && register === 0 ? trace.run.value : recorded;
    if (!trace.isSet(register, place)) return { name, value: null, pointer: null, note: '', changed: false };
    const pointer = pointerOf(value, fp, maps);
    const packetEnd = pointer?.to === 'packet' && pointer.offset > 0 && pointer.offset === trace.run.input.data.length;
    if (pointer) return { name, value: packetEnd ? 'packet end' : pointerText(pointer), pointer, note: noteOf(pointer, type, register, trace.access(place)), changed: changed[register] ?? false };
    return { name, value: shortHex(value), pointer: null, note: decimal(value), changed: changed[register] ?? false };
  });
}

function noteOf(pointer: Pointer, type: string, register: number, access: ProgramAccess | null): string {
  switch (pointer.to) {
    case 'context':
      return STRUCT[programKind(type)];
    case 'map':
      return pointer.map;
    case 'value':
      return pointer.map;
    case 'stack':
      return access && register === 2 ? 'key' : access?.operation === 'update' && register === 3 ? 'value' : '';
    case 'packet':
      return '';
  }
}

export function shortHex(value: bigint): string {
  const text = `0x${BigInt.asUintN(64, value).toString(16)}`;
  return text.length > LONGEST ? `…${text.slice(-8)}` : text;
}

/** Signed where it is a negative number of 32 or 64 bits; nothing where it would say the same. */
function decimal(value: bigint): string {
  const signed = BigInt.asIntN(64, value);
  if (signed >= 0n && signed < 10n) return '';
  return String(signed).length > 12 ? '' : String(signed);
}
