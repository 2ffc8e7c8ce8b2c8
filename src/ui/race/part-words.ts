import type { Timed } from '../../cost/model.ts';
import type { Stage } from '../../datapaths/stage.ts';
import { m } from '../../i18n/paraglide/messages.js';
import { getLocale } from '../../i18n/paraglide/runtime.js';
import { duration } from '../inspector/duration.ts';
import type { LanePart } from './lane-parts.ts';

interface Named {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

function nameOf(stage: Stage, lane: 'chain' | 'map'): string {
  switch (stage.kind) {
    case 'way-in':
      return m.race_client_pod();
    case 'way-out':
      return m.race_server_pod();
    case 'route':
      return m.race_route();
    case 'chain':
      return stage.name.startsWith('KUBE-S') && stage.part === 'nat' ? 'SVC, SEP, DNAT' : stage.hook;
    case 'conntrack':
      return 'conntrack';
    case 'confirm':
      return 'confirm';
    case 'map':
      return lane === 'map' ? 'maps' : stage.name;
    case 'program':
      return 'maps';
    case 'redirect':
      return stage.name;
    case 'answer':
      return m.race_answer();
  }
}

/** Neighbours of one name are one. */
export function partNames(stages: readonly Timed<Stage>[], lane: 'chain' | 'map'): readonly Named[] {
  const names: { text: string; start: number; end: number }[] = [];
  for (const { stage, start, duration: length } of stages) {
    const text = nameOf(stage, lane);
    const last = names.at(-1);
    if (last?.text === text) last.end = start + length;
    else names.push({ text, start, end: start + length });
  }
  return names;
}

/** A part's tooltip: what it is, and each of its stages with its time. */
export function partTitle({ stages, start, end }: LanePart, kind: 'way' | 'chain' | 'map'): string {
  const own = stages.filter((timed) => timed.start + timed.duration > start && timed.start < end);
  const lines = own.map(({ stage, duration: length }) => m.race_stage_time({ stage: [stage.name, stage.part].filter((text) => text !== '').join(', '), time: duration(length, getLocale()) }));
  const heading = `${kind === 'way' ? m.race_shared_part() : m.race_own_part()}: ${duration(end - start, getLocale())}`;
  return [heading, ...lines].join('\n');
}
