import type { InstructionRow } from '../../view.ts';

/** A map as its declaration in the text says it. */
export interface TextMap {
  readonly name: string;
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** A section of variables: its bytes as they are now. */
  readonly bytes: Uint8Array | null;
}

export interface TextProgram {
  readonly name: string;
  readonly section: string;
  readonly license: string;
}

/** A program as text that `assemble` takes: declarations, then its instructions with the lines of C as comments. */
export function assemblyText({ name, section, license }: TextProgram, maps: readonly TextMap[], rows: readonly InstructionRow[]): string {
  const used = maps.filter((map) => rows.some(({ text }) => text.includes(`map[${map.name}]`)));
  const lines = [`.program ${section} ${name}`, `.license ${license}`, ...used.map(declaration), ''];
  let source: string | null = null;
  rows.forEach((row, position) => {
    if (row.begins !== undefined && position > 0) lines.push('', `${row.begins}:`);
    if (row.source !== null && row.source !== source && row.source.trim() !== '') lines.push(`; ${row.source.trim()}`);
    source = row.source;
    lines.push(`  ${row.text}`);
  });
  return `${lines.join('\n')}\n`;
}

function declaration({ name, type, keySize, valueSize, maxEntries, flags, bytes }: TextMap): string {
  if (bytes) return `.data ${name} ${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}`;
  return `.map ${name} ${type} key ${keySize} value ${valueSize} max ${maxEntries}${flags === 0 ? '' : ` flags ${flags}`}`;
}
