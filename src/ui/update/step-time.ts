import type { Update } from '../../simulation/api.ts';
import { rulesSpan, rulesTaken, writeEnds } from './chain-progress.ts';

/** The end of the whole update: the slower lane's. */
export function updateTotal(update: Update): number {
  return Math.max(update.lanes.iptables.timeline.total, update.lanes.ebpf.timeline.total);
}

/**
 * Where the clock goes for one step (`rule`: the next or last thing written on either side) or one stage, forwards (1) or
 * back (−1). Never beyond the update's ends.
 */
export function stepTime(update: Update, t: number, size: 'rule' | 'stage', direction: 1 | -1): number {
  const total = updateTotal(update);
  const times: number[] = [0, total];
  const chain = update.lanes.iptables;
  const map = update.lanes.ebpf;
  for (const { timeline } of [chain, map]) for (const { start, duration } of timeline.stages) times.push(start + duration);
  if (size === 'rule') {
    const written = map.report.work.entriesWritten ?? 0;
    for (let index = 0; index < written; index++) times.push(writeEnds(map.timeline, written, index));
    const { start, end } = rulesSpan(chain.timeline);
    const rules = rulesTaken(chain.report);
    if (rules > 0 && end > start) {
      const each = (end - start) / rules;
      const at = (t - start) / each;
      // A thousandth of a rule: the clock stands on one whose time it was set to.
      const rule = direction > 0 ? Math.floor(at + 1e-3) + 1 : Math.ceil(at - 1e-3) - 1;
      if (rule >= 0 && rule <= rules) times.push(start + rule * each);
    }
  }
  const least = total * 1e-9;
  const ahead = times.filter((time) => (direction > 0 ? time > t + least : time < t - least));
  if (ahead.length === 0) return direction > 0 ? total : 0;
  return direction > 0 ? Math.min(...ahead) : Math.max(...ahead);
}
