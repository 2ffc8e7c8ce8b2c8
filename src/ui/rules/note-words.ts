import type { RulesReading } from '../../simulation/rules/api.ts';
import { m } from '../../i18n/paraglide/messages.js';

type NoteEffect = RulesReading['notes'][number]['effect'];

const WORDS: Readonly<Record<NoteEffect, (values: { module: string }) => string>> = {
  'never-no-socket': m.rules_note_never_no_socket,
  'always-no-socket': m.rules_note_always_no_socket,
  'never-no-bridge': m.rules_note_never_no_bridge,
  'always-no-bridge': m.rules_note_always_no_bridge,
  'never-no-ethernet': m.rules_note_never_no_ethernet,
  'always-no-ethernet': m.rules_note_always_no_ethernet,
  'never-no-payload': m.rules_note_never_no_payload,
  'always-no-payload': m.rules_note_always_no_payload,
  'never-no-options': m.rules_note_never_no_options,
  'always-no-options': m.rules_note_always_no_options,
  'never-no-ipsec': m.rules_note_never_no_ipsec,
  'always-no-ipsec': m.rules_note_always_no_ipsec,
  'never-no-helper': m.rules_note_never_no_helper,
  'always-no-helper': m.rules_note_always_no_helper,
  'never-no-fragment': m.rules_note_never_no_fragment,
  'never-no-protocol': m.rules_note_never_no_protocol,
  'never-no-accounting': m.rules_note_never_no_accounting,
  'always-no-accounting': m.rules_note_always_no_accounting,
  'never-not-simulated': m.rules_note_never_not_simulated,
  'always-not-simulated': m.rules_note_always_not_simulated,
  clock: m.rules_note_clock,
  approximate: m.rules_note_approximate,
  'empty-set': m.rules_note_empty_set,
  'no-set-counters': m.rules_note_no_set_counters,
  'nothing-not-simulated': m.rules_note_nothing_not_simulated,
  'dropped-no-listener': m.rules_note_dropped_no_listener,
};

/** What a simulation makes of a match or target that it cannot honour in full, and why. */
export function noteWords({ module, effect }: { readonly module: string; readonly effect: NoteEffect }): string {
  return WORDS[effect]({ module });
}
