import { OneRule } from './one-rule.ts';
import type { PayloadBuffers } from './payload-buffers.ts';
import type { PayloadSink } from './rule-sink.ts';
import { chainRules, eachChain, filterRules, sharedRules, type RulesContext } from './service-rules.ts';
import type { StandingLines } from './standing-rules.ts';
import type { SyncedPort } from './synced-port.ts';
import { TableSize, type TableCounts } from './table-size.ts';

export type { TableCounts } from './table-size.ts';

/** What rules are made of, as it was when kube-proxy synced. */
export interface PayloadContents {
  readonly kind: 'full' | 'partial';
  readonly context: RulesContext;
  readonly standing: StandingLines;
  /** Every Service port, in order. */
  readonly services: readonly SyncedPort[];
  /** Those whose own chains are written. */
  readonly written: ReadonlySet<SyncedPort> | 'all';
  /** Chains that go. */
  readonly stale: readonly string[];
  readonly buffers: PayloadBuffers;
}

const STANDING_PARTS = ['filterHead', 'filterTail', 'nat', 'natTail'] as const;
const [FILTER_HEAD, FILTER_TAIL, NAT, NAT_TAIL] = [0, 1, 2, 3] as const;
const SERVICE_PARTS = [filterRules, sharedRules, chainRules] as const;
const [FILTER, SHARED, CHAINS] = [0, 1, 2] as const;
interface Sizes {
  readonly filter: TableSize;
  readonly nat: TableSize;
}

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
  #counted: Sizes | null = null;

  constructor(contents: PayloadContents) {
    const { kind, services, written } = contents;
    this.#contents = contents;
    this.kind = kind;
    this.portsWritten = written === 'all' ? services.length : written.size;
    this.portsWalked = services.length;
  }

  get filter(): TableCounts {
    return this.#size.filter.counts;
  }

  get nat(): TableCounts {
    return this.#size.nat.counts;
  }

  /** Bytes of the text. */
  get bytes(): number {
    const { filter, nat } = this.#size;
    return filter.bytes + nat.bytes;
  }

  /** Counted once, when it is asked for. */
  get #size(): Sizes {
    if (!this.#counted) {
      const [filter, nat] = [new TableSize(), new TableSize()];
      this.#writeApart(filter, nat, nat);
      this.#counted = { filter, nat };
    }
    return this.#counted;
  }

  /** The whole text, written anew whenever it is asked for: at 50,000 Services it is 45 MB. */
  get text(): string {
    const { buffers } = this.#contents;
    buffers.begin(this.portsWalked, this.portsWritten);
    this.#writeApart(buffers.filter, buffers.natChains, buffers.natRules);
    return buffers.text;
  }

  /** One rule's text without `-A CHAIN`: the `index`th (from 0) of a part, as `PayloadSink.part` named it. */
  ruleText(part: number, index: number): string {
    const sink = new OneRule(index);
    const at = part - STANDING_PARTS.length;
    if (at < 0) this.#standing(part, sink);
    else this.#service(Math.floor(at / SERVICE_PARTS.length), at % SERVICE_PARTS.length, sink);
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
    for (const service of services) {
      if (!goesOn) return;
      if (this.#isWritten(service)) eachChain(service, see);
    }
    stale.forEach(see);
  }

  /** Gives every line to `sink`, in the text's order. `progress`: 0 to 1, and may throw to stop. */
  write(sink: PayloadSink, progress?: (done: number) => void): void {
    const { length } = this.#contents.services;
    this.#openFilter(sink);
    for (let place = 0; place < length; place++) this.#service(place, FILTER, sink);
    this.#closeFilter(sink);
    sink.table('nat');
    this.#eachNatChain((chain) => {
      sink.declare(chain);
      return true;
    });
    this.#standing(NAT, sink);
    for (let place = 0; place < length; place++) {
      if (place % PROGRESS_STEP === 0) progress?.(place / length);
      this.#natRules(place, sink);
    }
    this.#closeNat(sink);
  }

  /**
   * Gives every line to the sink of its section: filter, nat's chains, nat's rules. In one pass, as kube-proxy does it: to
   * reach all the objects of a large cluster in memory costs as much as to write their rules.
   */
  #writeApart(filter: PayloadSink, natChains: PayloadSink, natRules: PayloadSink): void {
    const { standing, services, stale } = this.#contents;
    const declare = (chain: string) => {
      natChains.declare(chain);
    };
    this.#openFilter(filter);
    natChains.table('nat');
    standing.natChains.forEach(declare);
    this.#standing(NAT, natRules);
    services.forEach((service, place) => {
      this.#service(place, FILTER, filter);
      if (this.#isWritten(service)) eachChain(service, declare);
      this.#natRules(place, natRules);
    });
    this.#closeFilter(filter);
    stale.forEach(declare);
    this.#closeNat(natRules);
  }

  #openFilter(sink: PayloadSink): void {
    sink.table('filter');
    for (const chain of this.#contents.standing.filterChains) sink.declare(chain);
    this.#standing(FILTER_HEAD, sink);
  }

  #closeFilter(sink: PayloadSink): void {
    this.#standing(FILTER_TAIL, sink);
    sink.commit();
  }

  /** A port's rules in nat. */
  #natRules(place: number, sink: PayloadSink): void {
    this.#service(place, SHARED, sink);
    if (this.#isWritten(this.#contents.services[place])) this.#service(place, CHAINS, sink);
  }

  #closeNat(sink: PayloadSink): void {
    for (const chain of this.#contents.stale) sink.deleteChain(chain);
    this.#standing(NAT_TAIL, sink);
    sink.commit();
  }

  #isWritten(service: SyncedPort | undefined): boolean {
    const { written } = this.#contents;
    return written === 'all' || (service !== undefined && written.has(service));
  }

  #standing(part: number, sink: PayloadSink): void {
    const name = STANDING_PARTS[part];
    if (name === undefined) return;
    sink.part(part);
    for (const line of this.#contents.standing[name]) sink.line(line);
  }

  #service(place: number, which: number, sink: PayloadSink): void {
    const service = this.#contents.services[place];
    if (!service) return;
    sink.part(STANDING_PARTS.length + place * SERVICE_PARTS.length + which);
    SERVICE_PARTS[which]?.(service, this.#contents.context, sink);
  }
}
