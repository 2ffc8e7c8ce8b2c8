import { PayloadText } from './payload-text.ts';

/** Bytes of a Service port's chain lines, and of its rules in nat, as most have them: room to begin with. */
const [CHAIN_BYTES, RULE_BYTES] = [160, 1024] as const;

/**
 * Where a payload's text is put together, a section each. As kube-proxy does, a `Proxier` keeps them from one sync to the
 * next, which saves finding memory anew; they have none where nobody asks for a text.
 */
export class PayloadBuffers {
  readonly filter = new PayloadText();
  readonly natChains = new PayloadText();
  readonly natRules = new PayloadText();

  /** @param written Service ports whose own chains are written, of all that are walked */
  begin(walked: number, written: number): void {
    this.filter.begin(0);
    this.natChains.begin(written * CHAIN_BYTES);
    this.natRules.begin((walked + written * 3) * (RULE_BYTES / 4));
  }

  /** The sections one after another; after that they can but begin anew. */
  get text(): string {
    this.natRules.prepend([this.filter, this.natChains]);
    return new TextDecoder().decode(this.natRules.bytes);
  }
}
