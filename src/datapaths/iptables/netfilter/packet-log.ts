import type { TraceDetail } from '../../report.ts';
import type { Stage, StageKind } from '../../stage.ts';
import type { ChainTrace, RuleOutcome } from '../../trace.ts';
import { RULE_OUTCOMES } from '../../trace.ts';
import { addWork, type Counter, type Work } from '../../work.ts';

const OUTCOME_INDEX = Object.fromEntries(RULE_OUTCOMES.map((outcome, index) => [outcome, index])) as Record<RuleOutcome, number>;

/** Writes down where a packet passes and what is counted there. */
export class PacketLog {
  readonly stages: Stage[] = [];
  /** `table:chain:index`, `table:chain:policy`: each counter that rose, where asked for. */
  readonly hits: string[] | null;
  /** What ended the packet, in words. */
  endedBy = '';
  readonly #detail: TraceDetail;
  #work: Partial<Record<Counter, number>> = {};
  #open: { kind: StageKind; name: string; hook: string; part: string; firstStep: number } | null = null;
  #total: Work = {};
  #rule = new Int32Array(64);
  #outcome = new Uint8Array(64);
  #failed = new Uint8Array(64);
  #steps = 0;

  constructor(detail: TraceDetail, hits = false) {
    this.#detail = detail;
    this.hits = hits ? [] : null;
  }

  get tracesSteps(): boolean {
    return this.#detail === 'steps';
  }

  count(counter: Counter, units: number): void {
    if (units !== 0) this.#work[counter] = (this.#work[counter] ?? 0) + units;
  }

  /** Ends the stage before and begins one. */
  begin(kind: StageKind, name: string, hook: string, part = ''): void {
    this.end();
    this.#open = { kind, name, hook, part, firstStep: this.#steps };
  }

  end(): void {
    const open = this.#open;
    if (!open) return;
    this.#open = null;
    if (this.#detail === 'none') {
      this.#total = addWork(this.#total, this.#work);
    } else {
      this.stages.push({ ...open, work: this.#work, endStep: this.#steps });
    }
    this.#work = {};
  }

  step(rule: number, outcome: RuleOutcome, failedMatch: number): void {
    const at = this.#steps;
    if (at === this.#rule.length) {
      const rules = new Int32Array(at * 2);
      rules.set(this.#rule);
      this.#rule = rules;
      const outcomes = new Uint8Array(at * 2);
      outcomes.set(this.#outcome);
      this.#outcome = outcomes;
      const failed = new Uint8Array(at * 2);
      failed.set(this.#failed);
      this.#failed = failed;
    }
    this.#rule[at] = rule;
    this.#outcome[at] = OUTCOME_INDEX[outcome];
    this.#failed[at] = failedMatch;
    this.#steps = at + 1;
  }

  work(): Work {
    return this.#detail === 'none' ? this.#total : addWork(...this.stages.map((stage) => stage.work));
  }

  trace(): ChainTrace | null {
    if (!this.tracesSteps) return null;
    return {
      kind: 'chain',
      rule: this.#rule.slice(0, this.#steps),
      outcome: this.#outcome.slice(0, this.#steps),
      failedMatch: this.#failed.slice(0, this.#steps),
    };
  }
}
