import type { RuleOutcome } from '../../datapaths/trace.ts';
import type { RuleRow } from '../../datapaths/view.ts';

/** A piece of a rule as kube-proxy wrote it. `field`: which of the packet's fields it is compared with; null: none. */
export interface RulePart {
  readonly text: string;
  readonly field: 'source' | 'destination' | 'protocol' | 'port' | 'target' | 'match' | null;
}

const FIELDS: Readonly<Record<string, RulePart['field']>> = { '-s': 'source', '-d': 'destination', '-p': 'protocol', '--dport': 'port', '-j': 'target', '-g': 'target' };

/** The rule's own text without its comment, in its own order; option names and values apart. */
export function ruleParts({ bare }: Pick<RuleRow, 'bare'>): readonly RulePart[] {
  const parts: RulePart[] = [];
  let plain = '';
  const flush = () => {
    if (plain !== '') parts.push({ text: plain, field: null });
    plain = '';
  };
  const words = bare.split(' ');
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    plain = plain === '' ? word : `${plain} ${word}`;
    const field = FIELDS[word];
    const value = words[index + 1];
    if (field && value !== undefined) {
      flush();
      parts.push({ text: value, field });
      index += 1;
    }
  }
  flush();
  return parts;
}

/** The shape of a Service's rule: rules of one shape stand in columns under one another. */
export function shapeOf(parts: readonly RulePart[]): string {
  return parts.map(({ text, field }) => field ?? text).join(' ');
}

/** The field that decided; null: every one fitted, or none of these. `port` stands for the failing match of a port. */
export function decidingField(outcome: RuleOutcome): RulePart['field'] {
  switch (outcome) {
    case 'source':
    case 'destination':
    case 'protocol':
      return outcome;
    case 'match':
      return 'port';
    default:
      return null;
  }
}
