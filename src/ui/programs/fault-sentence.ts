import type { AssemblyFault } from '../../datapaths/ebpf/assembler.ts';
import { m } from '../../i18n/paraglide/messages.js';

type Values = Record<string, string | number>;

/** What is wrong with a line of assembler, in the person's language. */
export function faultSentence({ message, values }: AssemblyFault): string {
  const say: Readonly<Record<AssemblyFault['message'], (values: Values) => string>> = {
    programs_asm_character: (v) => m.programs_asm_character({ found: String(v['found']) }),
    programs_asm_expected: (v) => m.programs_asm_expected({ what: String(v['what']), found: String(v['found']) }),
    programs_asm_end: (v) => m.programs_asm_end({ what: String(v['what']) }),
    programs_asm_rest: (v) => m.programs_asm_rest({ found: String(v['found']) }),
    programs_asm_register: (v) => m.programs_asm_register({ found: String(v['found']) }),
    programs_asm_width: (v) => m.programs_asm_width({ found: String(v['found']), wanted: String(v['wanted']) }),
    programs_asm_same: (v) => m.programs_asm_same({ found: String(v['found']), wanted: String(v['wanted']) }),
    programs_asm_range: (v) => m.programs_asm_range({ found: String(v['found']), low: String(v['low']), high: String(v['high']) }),
    programs_asm_number: (v) => m.programs_asm_number({ found: String(v['found']), wanted: String(v['wanted']) }),
    programs_asm_label: (v) => m.programs_asm_label({ label: String(v['label']) }),
    programs_asm_label_twice: (v) => m.programs_asm_label_twice({ label: String(v['label']), line: String(v['line']) }),
    programs_asm_helper: (v) => m.programs_asm_helper({ name: String(v['name']) }),
    programs_asm_map: (v) => m.programs_asm_map({ name: String(v['name']) }),
    programs_asm_map_twice: (v) => m.programs_asm_map_twice({ name: String(v['name']), line: String(v['line']) }),
    programs_asm_map_type: (v) => m.programs_asm_map_type({ found: String(v['found']) }),
    programs_asm_map_missing: (v) => m.programs_asm_map_missing({ name: String(v['name']), what: String(v['what']) }),
    programs_asm_hex: (v) => m.programs_asm_hex({ found: String(v['found']) }),
    programs_asm_directive: (v) => m.programs_asm_directive({ found: String(v['found']) }),
    programs_asm_twice: (v) => m.programs_asm_twice({ found: String(v['found']), line: String(v['line']) }),
    programs_asm_empty: () => m.programs_asm_empty(),
  };
  return say[message](values);
}
