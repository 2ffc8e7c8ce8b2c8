import type { Fault } from '../../kubernetes/fault.ts';
import { m } from '../../i18n/paraglide/messages.js';

type Message = (values: Fault['values']) => string;

/**
 * A fault in the reader's language; what stands between backticks is a name of the format. A key without a message
 * (an older page with a newer reader) is shown as it is, with its values.
 */
export function faultSentence(fault: Fault): string {
  const message = (m as unknown as Readonly<Record<string, Message | undefined>>)[fault.message];
  return message ? message(fault.values) : [fault.message, ...Object.values(fault.values)].join(' ');
}

/** A sentence in parts: every second one stood between backticks. */
export function codeParts(sentence: string): readonly { readonly text: string; readonly code: boolean }[] {
  return sentence.split('`').map((text, index) => ({ text, code: index % 2 === 1 })).filter(({ text }) => text !== '');
}
