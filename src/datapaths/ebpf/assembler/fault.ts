/** Something in assembler text that cannot be assembled. */
export interface AssemblyFault {
  /** From 1, as editors count. */
  readonly line: number;
  readonly column: number;
  /** Characters that it is about, at least 1. */
  readonly length: number;
  /** Key of a message, `programs_asm_…`. */
  readonly message: AssemblyFaultKey;
  readonly values: Readonly<Record<string, string | number>>;
}

export type AssemblyFaultKey =
  | 'programs_asm_character' // a character that no statement has: {found}
  | 'programs_asm_expected' // {what} is expected, {found} stands there
  | 'programs_asm_end' // the line ends where {what} is expected
  | 'programs_asm_rest' // {found} stands behind a whole statement
  | 'programs_asm_register' // no such register: {found}
  | 'programs_asm_width' // r and w registers in one operation: {found}
  | 'programs_asm_same' // {found} must be {wanted}, as the instruction has one register only
  | 'programs_asm_range' // {found} does not fit: {low} to {high}
  | 'programs_asm_number' // a size, jump or number that must be one of {wanted}: {found}
  | 'programs_asm_label' // no line has that label: {label}
  | 'programs_asm_label_twice' // {label} stands at line {line} already
  | 'programs_asm_helper' // no helper has that name: {name}
  | 'programs_asm_map' // no map is declared as {name}
  | 'programs_asm_map_twice' // {name} is declared at line {line} already
  | 'programs_asm_map_type' // no map type {found}
  | 'programs_asm_map_missing' // a map's declaration leaves out {what}
  | 'programs_asm_hex' // {found} is not whole bytes in hex
  | 'programs_asm_directive' // no such directive: {found}
  | 'programs_asm_twice' // {found} was said at line {line} already
  | 'programs_asm_empty'; // there is no instruction

/** Ends the reading of a line; never leaves the assembler. */
export class Misread extends Error {
  constructor(
    readonly key: AssemblyFaultKey,
    readonly values: AssemblyFault['values'],
    readonly column: number,
    readonly length: number,
  ) {
    super(key);
  }
}
