import type { Ipv4 } from '../../../packet/address.ts';

interface Entry {
  /** Newest last, ms. */
  stamps: number[];
  /** Of the packet, where a rule with --rttl saw it first; else 0. */
  ttl: number;
}

/** Addresses a list holds at most (ip_list_tot), and time stamps an address where no rule asks for more. */
const LIST_TOTAL = 100;
const STAMPS = 32;

/** A rule that asks a list. */
export interface RecentAsked {
  readonly mask: number;
  readonly hits: number;
}

/** One list of xt_recent. A Map keeps insertion order, which stands for its least-recently-seen list. */
export class RecentList {
  readonly #entries = new Map<Ipv4, Entry>();
  /** That of the first rule, whatever others say. */
  readonly #mask: number;
  #stamps: number;

  constructor(first: RecentAsked) {
    this.#mask = first.mask;
    this.#stamps = stampsFor(first);
  }

  /** A further rule: the list keeps as many time stamps as the one that asks for the most. */
  note(rule: RecentAsked): void {
    this.#stamps = Math.max(this.#stamps, stampsFor(rule));
  }

  /** An address as the list keeps it. */
  masked(address: Ipv4): Ipv4 {
    return ((address & this.#mask) >>> 0) as Ipv4;
  }

  /** `ttl` 0: any. */
  has(address: Ipv4, ttl = 0): boolean {
    const entry = this.#entries.get(address);
    return entry !== undefined && (ttl === 0 || entry.ttl === 0 || entry.ttl === ttl);
  }

  /** Whether the address was seen `hits` times within `seconds` (0: ever). */
  seen(address: Ipv4, now: number, seconds: number, hits: number): boolean {
    const entry = this.#entries.get(address);
    if (!entry) return false;
    const from = now - seconds * 1000;
    let count = 0;
    for (const stamp of entry.stamps) {
      if (seconds > 0 && from > stamp) continue;
      count += 1;
      if (hits === 0 || count >= hits) return true;
    }
    return false;
  }

  /** recent_entry_reap: only the least recently seen entry, and only if it is older. */
  reap(now: number, seconds: number): void {
    for (const [address, { stamps }] of this.#entries) {
      if (now - seconds * 1000 > (stamps.at(-1) ?? 0)) this.#entries.delete(address);
      return;
    }
  }

  touch(address: Ipv4, now: number, ttl = 0): void {
    const entry = this.#entries.get(address);
    if (entry) {
      entry.ttl = ttl;
      entry.stamps = [...entry.stamps, now].slice(-this.#stamps);
      this.#entries.delete(address);
      this.#entries.set(address, entry);
      return;
    }
    if (this.#entries.size >= LIST_TOTAL) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    this.#entries.set(address, { stamps: [now], ttl });
  }

  clear(): void {
    this.#entries.clear();
  }

  remove(address: Ipv4): void {
    this.#entries.delete(address);
  }
}

/** A power of two (recent_mt_check). */
function stampsFor({ hits }: RecentAsked): number {
  return hits === 0 ? STAMPS : 2 ** Math.ceil(Math.log2(hits));
}
