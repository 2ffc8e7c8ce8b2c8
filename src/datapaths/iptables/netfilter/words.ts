/**
 * Splits a line as iptables-restore does: at blanks, with double quotes around what holds blanks and a backslash before
 * a quote within them. null: a quote is not closed.
 */
export function splitWords(line: string, from = 0): string[] | null {
  const words: string[] = [];
  const end = line.length;
  let at = from;
  while (at < end) {
    const code = line.charCodeAt(at);
    if (code === 32 || code === 9) {
      at += 1;
      continue;
    }
    if (code === 34) {
      let word = '';
      at += 1;
      for (;;) {
        if (at >= end) return null;
        const character = line.charAt(at);
        if (character === '"') break;
        if (character === '\\' && at + 1 < end) {
          at += 1;
          word += line.charAt(at);
        } else {
          word += character;
        }
        at += 1;
      }
      at += 1;
      words.push(word);
      continue;
    }
    const start = at;
    while (at < end && line.charCodeAt(at) !== 32 && line.charCodeAt(at) !== 9) at += 1;
    words.push(line.slice(start, at));
  }
  return words;
}
