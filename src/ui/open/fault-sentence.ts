import type { Fault } from '../../kubernetes/fault.ts';
import { FAULT_MESSAGES } from './fault-messages.ts';

type Message = (values: Fault['values']) => string;

/**
 * A fault in the reader's language; what stands between backticks is a name of the format. A key without a message
 * (an older page with a newer reader) is shown as it is, with its values.
 */
export function faultSentence(fault: Fault): string {
  const message = FAULT_MESSAGES[fault.message] as Message | undefined;
  return message ? message(plain(fault.values)) : [fault.message, ...Object.values(fault.values)].join(' ');
}

/** A person’s own words have no backticks left: those of the message tell names from words. */
function plain(values: Fault['values']): Fault['values'] {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? value.replaceAll('`', '’') : value]));
}

/** A sentence in parts: every second one stood between backticks. */
export function codeParts(sentence: string): readonly { readonly text: string; readonly code: boolean }[] {
  return sentence.split('`').map((text, index) => ({ text, code: index % 2 === 1 })).filter(({ text }) => text !== '');
}
