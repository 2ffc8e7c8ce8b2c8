import type { AttachedRun } from '../../datapaths/report.ts';
import type { AttachedProgram } from '../../datapaths/ebpf/index.ts';
import { m } from '../../i18n/paraglide/messages.js';

const DOES: Readonly<Record<Exclude<AttachedRun['does'], 'fault'>, () => string>> = {
  next: m.attached_next,
  passes: m.attached_passes,
  drops: m.attached_drops,
  redirects: m.attached_redirects,
  takes: m.attached_takes,
  'sends-back': m.attached_sends_back,
  allows: m.attached_allows,
  refuses: m.attached_refuses,
};

/** `TC_ACT_OK (0)`: what a program returned, as the kernel calls it. */
export function returnedWords({ returned, action, redirect }: AttachedRun): string {
  if (returned === null) return '';
  const value = action === null ? `r0 = ${returned}` : `${action} (${returned})`;
  return redirect ? `${value}, bpf_${redirect.by} → ifindex ${redirect.ifindex}` : value;
}

/** What the kernel does with it, and what else there is to say of the value. */
export function doesWords(run: AttachedRun, { place }: Pick<AttachedProgram, 'place'>, behind: string | null): readonly string[] {
  const { hook, does, action, returned, fault } = run;
  if (does === 'fault') return [`${m.attached_stopped()}: ${fault?.message ?? ''}`];
  const words = [hook === 'xdp' && does === 'passes' ? m.attached_passes_xdp() : DOES[does]()];
  const tc = hook === 'from-container' || hook === 'to-container';
  if (tc && action === null) words.push(m.attached_unknown_tc());
  if (hook === 'xdp' && action === null) words.push(m.attached_unknown_xdp());
  if (hook === 'connect4' && returned !== 0 && returned !== 1) words.push(m.attached_unknown_connect());
  if (tc && does === 'passes' && place === 'before' && behind !== null) words.push(m.attached_unspec_hint({ program: behind }));
  return words;
}

/** Why a program does not stand where it was put. */
export function faultWords({ hook, program, fault }: AttachedProgram): string {
  switch (fault?.kind) {
    case undefined:
      return '';
    case 'none':
      return m.attach_fault_none({ hook, reason: fault.message });
    case 'type':
      return m.attach_fault_type({ program, hook, reason: fault.message });
    case 'load':
      return m.attach_fault_load({ reason: fault.message });
    case 'refused':
      return m.attach_fault_refused({ program, slot: fault.instruction ?? 0, reason: fault.message });
  }
}

const APART: Readonly<Record<AttachedProgram['apart'][number]['why'], (values: { map: string }) => string>> = {
  type: m.attach_apart_type,
  key: m.attach_apart_key,
  value: m.attach_apart_value,
  flags: m.attach_apart_flags,
  programs: m.attach_apart_programs,
};

export function apartWords({ map, why }: AttachedProgram['apart'][number]): string {
  return APART[why]({ map });
}
