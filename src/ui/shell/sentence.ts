import { m } from '../../i18n/paraglide/messages.js';
import type { LinkError } from '../../simulation/link.ts';
import { asSimulationError, type SimulationErrorKey } from '../../simulation/simulation-error.ts';

type Values = Readonly<Record<string, string | number>>;

/** A message by a key that is only known when it happens; the key itself where there is no such message. */
function say(key: string, values: Values): string {
  const found = (m as unknown as Readonly<Record<string, ((values: Values) => string) | undefined>>)[key];
  return found ? found(values) : key;
}

/** What failed, in the person's language. */
export function errorSentence(thrown: unknown): string {
  const { key, values } = asSimulationError(thrown);
  return say(key satisfies SimulationErrorKey, values);
}

/** Why a link could not be read. */
export function linkSentence({ message, values }: LinkError): string {
  return say(message, values);
}
