import { m } from '../../i18n/paraglide/messages.js';
import type { LinkError } from '../../simulation/link.ts';
import { asSimulationError, type SimulationErrorKey } from '../../simulation/simulation-error.ts';

type Values = Readonly<Record<string, string | number>>;
/** Which values it needs belongs to its key. */
type Message = (values: never) => string;

// Each by its name, not all of them at once: so the first load holds only what it may have to say.
const ERRORS: Readonly<Record<SimulationErrorKey, Message>> = {
  client_no_worker: m.client_no_worker,
  client_no_wasm: m.client_no_wasm,
  client_assets: m.client_assets,
  client_cancelled: m.client_cancelled,
  client_stopped: m.client_stopped,
  simulation_profile: m.simulation_profile,
  simulation_no_services: m.simulation_no_services,
  simulation_target: m.simulation_target,
  simulation_sender: m.simulation_sender,
  simulation_nothing_added: m.simulation_nothing_added,
  simulation_service: m.simulation_service,
  simulation_rollout: m.simulation_rollout,
  simulation_no_address: m.simulation_no_address,
  simulation_rules_update: m.simulation_rules_update,
  simulation_rules_place: m.simulation_rules_place,
  simulation_rules_no_services: m.simulation_rules_no_services,
  simulation_interface: m.simulation_interface,
  simulation_attached: m.simulation_attached,
  simulation_engine: m.simulation_engine,
};

const LINKS: Readonly<Record<string, Message | undefined>> = {
  link_corrupted: m.link_corrupted,
  link_truncated: m.link_truncated,
  link_later_version: m.link_later_version,
  link_unknown_field: m.link_unknown_field,
  link_field: m.link_field,
  link_missing_field: m.link_missing_field,
  link_too_large: m.link_too_large,
};

/** What failed, in the person's language. */
export function errorSentence(thrown: unknown): string {
  const { key, values } = asSimulationError(thrown);
  return say(ERRORS[key], values);
}

/** Why a link could not be read; the message's key where there is no such message. */
export function linkSentence({ message, values }: LinkError): string {
  const found = LINKS[message];
  return found ? say(found, values) : message;
}

function say(message: Message, values: Values): string {
  return (message as (values: Values) => string)(values);
}
