import type { Fault } from '../kubernetes/fault.ts';
import messages from '../../messages/en.json' with { type: 'json' };

/** The English sentence of a message with its values put in, as the page would say it. */
export function sentence(key: string, values: Readonly<Record<string, string | number>>): string {
  const template = (messages as Readonly<Record<string, string>>)[key] ?? key;
  return template.replace(/\{(\w+)\}/g, (hole, name: string) => (Object.hasOwn(values, name) ? String(values[name]) : hole));
}

/** `cluster.yaml:12:7: error: Service shop/cart: …`, as compilers write it. */
export function faultLine(file: string, { line, column, severity, object, message, values }: Fault): string {
  const name = file === '-' ? 'standard input' : file;
  return `${name}:${line}:${column}: ${severity}: ${object === null ? '' : `${object}: `}${sentence(message, values)}`;
}
