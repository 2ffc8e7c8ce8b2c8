// A note beside built files: two lines, the one over the flags and sources that they were built from, the other over the
// built files themselves.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `sources` and `built` are paths below `folder`, each in its order; `flags` is what the tools were told. */
export function noteOf(folder, flags, sources, built) {
  const over = (hash, names) => names.reduce((sum, name) => sum.update(`${name}\n`).update(readFileSync(join(folder, name))), hash).digest('hex');
  return `sources ${over(createHash('sha256').update(`${JSON.stringify(flags)}\n`), sources)}\nbuilt ${over(createHash('sha256'), built)}\n`;
}
