import { probabilityOf, type PayloadSink, type RuleProtocol } from './rule-sink.ts';

const PROTOCOL_WORDS: Readonly<Record<RuleProtocol, string>> = { tcp: ' -m tcp -p tcp', udp: ' -m udp -p udp', sctp: ' -m sctp -p sctp' };

/** The words of kube-proxy's payloads; `put` says what becomes of them. */
export abstract class RuleWords implements PayloadSink {
  /** By how many are left, as kube-proxy keeps them too: to print one takes long. */
  readonly #probabilities: string[] = [];

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
    this.put(PROTOCOL_WORDS[protocol]);
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
    this.put((this.#probabilities[left] ??= probabilityOf(left)));
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
