import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError, shell } from '../shell.ts';
import { ROOT } from '../workshop.ts';

/** The kube-proxy whose rules the engine writes. */
export const KUBERNETES = 'v1.37.2';
const SOURCE = join(ROOT, 'lab', 'kube-proxy', 'oracle');

/** What of proxier.go gives way: the runner that would sync at its own time, and the node's connections. */
const PATCHES: readonly (readonly [from: string, to: string])[] = [
  ['type Proxier struct {', 'type Proxier struct {\n\tqueued bool'],
  ['func (proxier *Proxier) Sync() {', 'func (proxier *Proxier) Sync() {\n\tproxier.queued = true\n}\n\nfunc (proxier *Proxier) runnerSync() {'],
  ['conntrack.New(),', 'conntrack.NewFake(),'],
];

/**
 * Builds kube-proxy's own code, fetched through Go's module proxy, into a command that writes payloads for cases. Needs Go
 * and takes some minutes the first time. Returns the command's path; throws `LabError`.
 */
export function buildOracle(folder: string): string {
  const command = join(folder, 'oracle');
  const { Dir: sources } = JSON.parse(shell('go', ['mod', 'download', '-json', `k8s.io/kubernetes@${KUBERNETES}`], { timeoutMs: 600_000 })) as { readonly Dir: string };
  mkdirSync(folder, { recursive: true });
  cpSync(SOURCE, folder, { recursive: true });
  let proxier = readFileSync(join(sources, 'pkg', 'proxy', 'iptables', 'proxier.go'), 'utf8');
  for (const [from, to] of PATCHES) {
    if (proxier.split(from).length !== 2) throw new LabError(`kube-proxy ${KUBERNETES}: “${from}” does not stand once in proxier.go.`);
    proxier = proxier.replace(from, to);
  }
  writeFileSync(join(folder, 'iptables', 'proxier.go'), proxier);
  // Kubernetes' own go.mod points at folders of its repository for these; outside it they are modules of the same release.
  const staged = [...readFileSync(join(sources, 'go.mod'), 'utf8').matchAll(/^\s+(k8s\.io\/[a-z0-9-]+) v0\.0\.0$/gm)].map(([, module]) => `replace ${module} => ${module} ${KUBERNETES.replace(/^v1/, 'v0')}`);
  writeFileSync(join(folder, 'go.mod'), `module oracle\n\ngo 1.26.0\n\nrequire k8s.io/kubernetes ${KUBERNETES}\n\n${staged.join('\n')}\n`);
  shell('go', ['-C', folder, 'mod', 'tidy'], { timeoutMs: 600_000 });
  shell('go', ['-C', folder, 'build', '-o', command, '.'], { timeoutMs: 1_800_000 });
  if (!existsSync(command)) throw new LabError('go build left no command.');
  return command;
}
