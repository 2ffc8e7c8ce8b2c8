import { textKind } from './text-kind.ts';

/** Several files as one text: JSON values and tables of rules may follow each other as they are, YAML documents need their line between. */
export function joinFiles(texts: readonly string[]): string {
  const plain = texts.every((text) => /^\s*[[{]/.test(text)) || texts.every((text) => textKind(text) === 'rules');
  return texts.join(plain ? '\n' : '\n---\n');
}
