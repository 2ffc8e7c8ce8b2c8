/**
 * Splits a line as iptables-restore does (add_param_to_argv, iptables/xshared.c): at blanks, with double quotes around
 * what holds blanks, and within them a backslash before any character that is to be taken as it is. A closing quote ends
 * the word. null: a quote is not closed. `starts`, where given, is filled with where each word begins.
 */
export function splitWords(line: string, from = 0, starts?: number[]): string[] | null {
  const words: string[] = [];
  const end = line.length;
  let at = from;
  while (at < end) {
    const code = line.charCodeAt(at);
    if (code === 32 || code === 9) {
      at += 1;
      continue;
    }
    const start = at;
    while (at < end && line.charCodeAt(at) !== 32 && line.charCodeAt(at) !== 9 && line.charCodeAt(at) !== 34) at += 1;
    let word = line.slice(start, at);
    if (at < end && line.charCodeAt(at) === 34) {
      at += 1;
      for (;;) {
        if (at >= end) return null;
        const character = line.charAt(at);
        if (character === '"') break;
        if (character === '\\' && at + 1 < end) at += 1;
        word += line.charAt(at);
        at += 1;
      }
      at += 1;
    }
    starts?.push(start);
    words.push(word);
  }
  return words;
}
