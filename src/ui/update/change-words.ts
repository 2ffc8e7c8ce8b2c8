import type { UpdateChange } from '../../simulation/api.ts';
import { m } from '../../i18n/paraglide/messages.js';

/** What happened in the cluster, in a sentence without its full stop. */
export function changeSentence({ kind, service, before, endpoints, rollout }: UpdateChange, number: Intl.NumberFormat): string {
  const values = { service, before: number.format(before), after: number.format(endpoints) };
  switch (kind) {
    case 'add':
      return m.update_did_add(values);
    case 'scale':
      return m.update_did_scale(values);
    case 'delete':
      return m.update_did_delete(values);
    case 'rollout':
      return { ready: m.update_did_ready, ending: m.update_did_ending, gone: m.update_did_gone }[rollout?.phase ?? 'ready']({ service });
  }
}

/** The same in a few words: where both lanes' paths begin. */
export function changeStop({ kind, before, endpoints, rollout }: UpdateChange, number: Intl.NumberFormat): string {
  switch (kind) {
    case 'add':
      return m.update_service_added();
    case 'scale':
      return m.update_stop_scale({ before: number.format(before), after: number.format(endpoints) });
    case 'delete':
      return m.update_stop_delete();
    case 'rollout':
      return { ready: m.update_stop_ready, ending: m.update_stop_ending, gone: m.update_stop_gone }[rollout?.phase ?? 'ready']();
  }
}
