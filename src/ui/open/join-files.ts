/** Several files as one text: JSON values may follow each other as they are, YAML documents need their line between. */
export function joinFiles(texts: readonly string[]): string {
  const json = texts.every((text) => /^\s*[[{]/.test(text));
  return texts.join(json ? '\n' : '\n---\n');
}
