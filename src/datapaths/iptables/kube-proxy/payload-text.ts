import { RuleWords } from './rule-words.ts';

/** Characters that are put together before they become bytes. */
const CHUNK = 1 << 15;

/**
 * Writes a section of a payload. All of it is ASCII: names are DNS labels.
 *
 * Strings that are put together stay trees of their parts until somebody reads them, which costs less than to copy each
 * part as it comes; but a chunk becomes bytes as soon as it is done, so that no collection of garbage finds millions of
 * parts, or hundreds of chunks, still in use.
 */
export class PayloadText extends RuleWords {
  #bytes = new Uint8Array(0);
  #length = 0;
  #chunk = '';
  readonly #encoder = new TextEncoder();

  /** Forgets what was written and makes room for about so many bytes; room that it has it keeps. */
  begin(room: number): void {
    this.#length = 0;
    this.#chunk = '';
    if (room > this.#bytes.length) this.#bytes = new Uint8Array(room);
  }

  get bytes(): Uint8Array {
    this.#gather();
    return this.#bytes.subarray(0, this.#length);
  }

  /** Puts what these hold before its own. */
  prepend(sections: readonly PayloadText[]): void {
    const before = sections.map(({ bytes }) => bytes);
    const own = this.bytes.length;
    const shift = before.reduce((sum, { length }) => sum + length, 0);
    this.#makeRoom(shift);
    this.#bytes.copyWithin(shift, 0, own);
    let at = 0;
    for (const section of before) {
      this.#bytes.set(section, at);
      at += section.length;
    }
    this.#length = shift + own;
  }

  protected put(words: string): void {
    this.#chunk += words;
  }

  protected endLine(): void {
    this.#chunk += '\n';
    if (this.#chunk.length >= CHUNK) this.#gather();
  }

  #gather(): void {
    this.#makeRoom(this.#chunk.length);
    this.#length += this.#encoder.encodeInto(this.#chunk, this.#bytes.subarray(this.#length)).written;
    this.#chunk = '';
  }

  /** For so many bytes more. */
  #makeRoom(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
