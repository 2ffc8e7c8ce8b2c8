/** Where the match `comment` is named among a rule's words (`splitWords`); -1: nowhere. */
export function commentMatchAt(words: readonly string[]): number {
  return words.findIndex((word, at) => word === 'comment' && (words[at - 1] === '-m' || words[at - 1] === '--match'));
}

/**
 * Where a rule's comment stands among its words: the word behind `--comment`, which only `-m comment` brings
 * in; a log's prefix may say anything. -1: the rule has none.
 */
export function commentAt(words: readonly string[]): number {
  const match = commentMatchAt(words);
  const option = match < 0 ? -1 : words.indexOf('--comment', match);
  return option < 0 || option + 1 >= words.length ? -1 : option + 1;
}

/** A rule's comment, out of its words; null: it has none. */
export function commentIn(words: readonly string[]): string | null {
  return words[commentAt(words)] ?? null;
}
