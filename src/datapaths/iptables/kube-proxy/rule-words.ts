import { probabilityOf, type PayloadSink, type RuleProtocol } from './rule-sink.ts';

/** The words of kube-proxy's payloads; `put` says what becomes of them. */
abstract class RuleWords implements PayloadSink {
  protected abstract put(words: string): void;

  append(chain: string): void {
    this.put('-A ');
    this.put(chain);
  }

  comment(subject: string, rest?: string): void {
    this.put(' -m comment --comment "');
    this.put(subject);
    if (rest !== undefined) {
      this.put(' ');
      this.put(rest);
    }
    this.put('"');
  }

  commentName(name: string): void {
    this.put(' -m comment --comment ');
    this.put(name);
  }

  protocol(protocol: RuleProtocol): void {
    this.put(' -m ');
    this.put(protocol);
    this.put(' -p ');
    this.put(protocol);
  }

  source(prefix: string, negated = false): void {
    this.put(negated ? ' ! -s ' : ' -s ');
    this.put(prefix);
  }

  destination(prefix: string): void {
    this.put(' -d ');
    this.put(prefix);
  }

  destinationPort(port: number): void {
    this.put(' --dport ');
    this.put(String(port));
  }

  local(side: 'src' | 'dst'): void {
    this.put(side === 'src' ? ' -m addrtype --src-type LOCAL' : ' -m addrtype --dst-type LOCAL');
  }

  remember(list: string): void {
    this.put(' -m recent --name ');
    this.put(list);
    this.put(' --set');
  }

  remembered(list: string, seconds: number): void {
    this.put(' -m recent --name ');
    this.put(list);
    this.put(` --rcheck --seconds ${seconds} --reap`);
  }

  oneIn(left: number): void {
    this.put(' -m statistic --mode random --probability ');
    this.put(probabilityOf(left));
  }

  account(name: string): void {
    this.put(' -m nfacct --nfacct-name ');
    this.put(name);
  }

  jump(target: string): void {
    this.put(' -j ');
    this.put(target);
  }

  translate(address: string, port: number): void {
    this.put(' -j DNAT --to-destination ');
    this.put(address);
    this.put(':');
    this.put(String(port));
  }

  line(text: string): void {
    this.put(text);
    this.end();
  }

  table(name: 'filter' | 'nat'): void {
    this.put('*');
    this.put(name);
    this.endLine();
  }

  declare(chain: string): void {
    this.put(':');
    this.put(chain);
    this.put(' - [0:0]');
    this.endLine();
  }

  deleteChain(chain: string): void {
    this.put('-X ');
    this.put(chain);
    this.endLine();
  }

  commit(): void {
    this.put('COMMIT');
    this.endLine();
  }

  end(): void {
    this.endLine();
  }

  part(_part: number): void {
    // Text has no parts.
  }

  protected abstract endLine(): void;
}

/** Characters that are gathered before they become bytes. */
const CHUNK = 1 << 15;

/** Writes a payload's text. */
export class PayloadText extends RuleWords {
  #bytes = new Uint8Array(CHUNK * 2);
  #length = 0;
  #chunk = '';
  readonly #encoder = new TextEncoder();

  /** All of it is ASCII: names are DNS labels. */
  get text(): string {
    this.#gather();
    return new TextDecoder('latin1').decode(this.#bytes.subarray(0, this.#length));
  }

  protected put(words: string): void {
    this.#chunk += words;
  }

  protected endLine(): void {
    this.#chunk += '\n';
    if (this.#chunk.length >= CHUNK) this.#gather();
  }

  /** As bytes, so that hundreds of thousands of lines are not kept as that many strings until all are there. */
  #gather(): void {
    const needed = this.#length + this.#chunk.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#encoder.encodeInto(this.#chunk, this.#bytes.subarray(this.#length));
    this.#length = needed;
    this.#chunk = '';
  }
}

/** Lines of one table in a payload. */
export interface TableCounts {
  readonly chains: number;
  readonly rules: number;
  /** `-X` lines: chains taken away. */
  readonly deletes: number;
}

/** Counts a payload's bytes and lines without writing it. */
export class PayloadSize extends RuleWords {
  bytes = 0;
  readonly filter = { chains: 0, rules: 0, deletes: 0 };
  readonly nat = { chains: 0, rules: 0, deletes: 0 };
  #counts = this.filter;

  protected put(words: string): void {
    this.bytes += words.length;
  }

  protected endLine(): void {
    this.bytes += 1;
  }

  override table(name: 'filter' | 'nat'): void {
    this.#counts = this[name];
    super.table(name);
  }

  override declare(chain: string): void {
    this.#counts.chains += 1;
    super.declare(chain);
  }

  override deleteChain(chain: string): void {
    this.#counts.deletes += 1;
    super.deleteChain(chain);
  }

  override end(): void {
    this.#counts.rules += 1;
    super.end();
  }
}

/** Keeps one of several rules: its text without `-A CHAIN`. */
export class OneRule extends RuleWords {
  text = '';
  #left: number;

  /** @param index which one, from 0 */
  constructor(index: number) {
    super();
    this.#left = index;
  }

  override append(_chain: string): void {
    // A rule's text is what comes after it.
  }

  override line(text: string): void {
    super.line(text.slice(text.indexOf(' ', '-A '.length)));
  }

  protected put(words: string): void {
    if (this.#left === 0) this.text += words;
  }

  protected endLine(): void {
    if (this.#left === 0) this.text = this.text.trimStart();
    this.#left -= 1;
  }
}

/** Counts the rules of one chain. */
export class ChainLength extends RuleWords {
  rules = 0;
  readonly #chain: string;

  constructor(chain: string) {
    super();
    this.#chain = chain;
  }

  override append(chain: string): void {
    if (chain === this.#chain) this.rules += 1;
  }

  protected put(_words: string): void {
    // Only where a rule stands is asked.
  }

  protected endLine(): void {
    // As above.
  }
}
