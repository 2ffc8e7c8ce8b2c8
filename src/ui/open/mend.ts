import type { Fault } from '../../kubernetes/fault.ts';
import { lineText, offsetOf, type LineIndex } from './line-index.ts';

/** A change of the text that takes a fault away for certain; in the text's own offsets. */
export interface Mend {
  readonly kind: 'tab' | 'protocol' | 'integer';
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

const TAB_WIDTH = 2;

/** The mending that a button can do: only where there is one thing to do and it cannot be wrong. */
export function mendOf(fault: Fault, index: LineIndex): Mend | null {
  const line = lineText(index, fault.line);
  const start = offsetOf(index, fault.line, 1);
  switch (fault.message) {
    case 'fault_tab': {
      const indent = /^[ \t]*/.exec(line)?.[0] ?? '';
      return indent.includes('\t') ? { kind: 'tab', from: start, to: start + indent.length, text: indent.replaceAll('\t', ' '.repeat(TAB_WIDTH)) } : null;
    }
    case 'fault_protocol': {
      const found = /^(\s*(?:- )?protocol:\s*)(["']?)(tcp|udp|sctp)\2\s*$/i.exec(line);
      const [, key, , name] = found ?? [];
      return key !== undefined && name !== undefined ? { kind: 'protocol', from: start, to: start + line.length, text: key + name.toUpperCase() } : null;
    }
    case 'fault_not_integer': {
      const found = /^(\s*(?:- )?[\w.]+:\s*)(["'])(\d+)\2\s*$/.exec(line);
      const [, key, , digits] = found ?? [];
      return key !== undefined && digits !== undefined ? { kind: 'integer', from: start, to: start + line.length, text: key + digits } : null;
    }
    default:
      return null;
  }
}

/** The text with a mend done. */
export function mended(text: string, { from, to, text: put }: Mend): string {
  return text.slice(0, from) + put + text.slice(to);
}
