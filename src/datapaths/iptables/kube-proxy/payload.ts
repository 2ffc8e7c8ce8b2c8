import type { CategorizedEndpoints } from './endpoints.ts';
import { OneRule, PayloadSize, PayloadText, type TableCounts } from './rule-words.ts';
import type { PayloadSink } from './rule-sink.ts';
import type { ServicePort } from './service-ports.ts';
import { chainRules, eachChain, filterRules, sharedRules, type RulesContext } from './service-rules.ts';
import type { StandingLines } from './standing-rules.ts';

export type { TableCounts } from './rule-words.ts';

/** What rules are made of, as it was when kube-proxy synced. */
export interface PayloadContents {
  readonly kind: 'full' | 'partial';
  readonly context: RulesContext;
  readonly standing: StandingLines;
  /** Every Service port, in order. */
  readonly services: readonly { readonly port: ServicePort; readonly endpoints: CategorizedEndpoints }[];
  /** Places in `services` whose own chains are written. */
  readonly written: ReadonlySet<number> | 'all';
  readonly portsWritten: number;
  /** Chains that go. */
  readonly stale: readonly string[];
}

const STANDING_PARTS = ['filterHead', 'filterTail', 'nat', 'natTail'] as const;
const [FILTER_HEAD, FILTER_TAIL, NAT, NAT_TAIL] = [0, 1, 2, 3] as const;
const SERVICE_PARTS = [filterRules, sharedRules, chainRules] as const;
const [FILTER, SHARED, CHAINS] = [0, 1, 2] as const;
/** Services between two reports of progress. */
const PROGRESS_STEP = 1024;

/**
 * What kube-proxy hands to `iptables-restore -w --noflush --counters` in one sync. It is kept as what its rules are made
 * of, and goes from there to whoever asks: as text, as a number of bytes, as rules in tables (`write`).
 */
export class SyncPayload {
  readonly kind: 'full' | 'partial';
  /** Service ports whose own chains were written. */
  readonly portsWritten: number;
  /** Service ports that kube-proxy went through: all of them, at a partial sync too. */
  readonly portsWalked: number;
  readonly #contents: PayloadContents;
  #counted: PayloadSize | null = null;

  constructor(contents: PayloadContents) {
    this.#contents = contents;
    this.kind = contents.kind;
    this.portsWritten = contents.portsWritten;
    this.portsWalked = contents.services.length;
  }

  get filter(): TableCounts {
    return this.#size.filter;
  }

  get nat(): TableCounts {
    return this.#size.nat;
  }

  /** Bytes of the text. */
  get bytes(): number {
    return this.#size.bytes;
  }

  /** Counted once, when it is asked for. */
  get #size(): PayloadSize {
    if (this.#counted) return this.#counted;
    const size = new PayloadSize();
    this.write(size);
    this.#counted = size;
    return size;
  }

  /** The whole text, written anew whenever it is asked for: at 50,000 Services it is 30 MB. */
  get text(): string {
    const sink = new PayloadText();
    this.write(sink);
    return sink.text;
  }

  /** One rule's text without `-A CHAIN`: the `index`th (from 0) of a part, as `PayloadSink.part` named it. */
  ruleText(part: number, index: number): string {
    const sink = new OneRule(index);
    this.#writePart(part, sink);
    return sink.text;
  }

  /** Visits the chains that the payload declares, in its order. `visit` says whether it wants to see more. */
  eachChain(visit: (table: 'filter' | 'nat', chain: string) => boolean): void {
    const { standing } = this.#contents;
    for (const chain of standing.filterChains) if (!visit('filter', chain)) return;
    this.#eachNatChain((chain) => visit('nat', chain));
  }

  #eachNatChain(visit: (chain: string) => boolean): void {
    const { standing, services, stale } = this.#contents;
    let goesOn = true;
    const see = (chain: string) => {
      if (goesOn) goesOn = visit(chain);
    };
    standing.natChains.forEach(see);
    for (let place = 0; goesOn && place < services.length; place++) {
      const service = services[place];
      if (service && this.#isWritten(place)) eachChain(service.port, service.endpoints, see);
    }
    stale.forEach(see);
  }

  /** Gives every line to `sink`, in the text's order. `progress`: 0 to 1, and may throw to stop. */
  write(sink: PayloadSink, progress?: (done: number) => void): void {
    const { standing, services, stale } = this.#contents;
    sink.table('filter');
    for (const chain of standing.filterChains) sink.declare(chain);
    this.#writePart(FILTER_HEAD, sink);
    for (let place = 0; place < services.length; place++) this.#writePart(servicePart(place, FILTER), sink);
    this.#writePart(FILTER_TAIL, sink);
    sink.commit();
    sink.table('nat');
    this.#eachNatChain((chain) => {
      sink.declare(chain);
      return true;
    });
    this.#writePart(NAT, sink);
    for (let place = 0; place < services.length; place++) {
      if (place % PROGRESS_STEP === 0) progress?.(place / services.length);
      this.#writePart(servicePart(place, SHARED), sink);
      if (this.#isWritten(place)) this.#writePart(servicePart(place, CHAINS), sink);
    }
    for (const chain of stale) sink.deleteChain(chain);
    this.#writePart(NAT_TAIL, sink);
    sink.commit();
  }

  #isWritten(place: number): boolean {
    const { written } = this.#contents;
    return written === 'all' || written.has(place);
  }

  #writePart(part: number, sink: PayloadSink): void {
    const { standing, services, context } = this.#contents;
    sink.part(part);
    const name = STANDING_PARTS[part];
    if (name !== undefined) {
      for (const line of standing[name]) sink.line(line);
      return;
    }
    const at = part - STANDING_PARTS.length;
    const service = services[Math.floor(at / SERVICE_PARTS.length)];
    if (service) SERVICE_PARTS[at % SERVICE_PARTS.length]?.(service.port, service.endpoints, context, sink);
  }
}

function servicePart(place: number, which: number): number {
  return STANDING_PARTS.length + place * SERVICE_PARTS.length + which;
}
