import { error, shown, type Finding } from './finding.ts';

/** Leading lines that a terminal's copy brings along: `$ kubectl get svc -o yaml`. */
const PROMPT = /^(?:[^\n]{0,80}[$#%>❯] ?)?(?:kubectl|oc) [^\n]*\n/;

/** Where the text proper begins: behind a byte order mark and a copied command. */
export function startOf(text: string): number {
  const mark = text.startsWith('\uFEFF') ? 1 : 0;
  return mark + (PROMPT.exec(text.slice(mark, mark + 2000))?.[0].length ?? 0);
}

/** What a person often pastes instead of a cluster, told apart by how it begins; null: it may be one. */
export function notACluster(text: string): Finding | null {
  const head = text.slice(0, 4000);
  // PowerShell's `>` writes UTF-16, which reads as every second character zero.
  if (/^(\uFFFD{2}|\uFEFF)?[\x20-\x7e]\0[\x20-\x7e]\0/.test(head) || /^(\uFFFD{2})?\0[\x20-\x7e]\0[\x20-\x7e]/.test(head)) return error('fault_utf16', []);
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(head) || (head.match(/\uFFFD/g)?.length ?? 0) > 8) return error('fault_binary', []);
  const line = head.trimStart().split('\n', 1)[0]?.trim() ?? '';
  if (line === '') return error('fault_empty', []);
  if (/^No resources found/.test(line)) return error('fault_no_resources', []);
  if (/^<(!doctype|html|head|body|\?xml|svg|div)\b/i.test(line)) return error('fault_html', []);
  if (/^(Error from server|error:|Error:|The connection to the server|Unable to connect to the server)/.test(line)) return error('fault_kubectl_error', [], { text: shown(line) });
  if (/^(NAMESPACE\s+)?NAME\s+[A-Z-]{3,}/.test(line)) return error('fault_table', []);
  return null;
}
