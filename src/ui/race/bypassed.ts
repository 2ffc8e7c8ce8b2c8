import type { Lane } from '../../simulation/api.ts';

/** netfilter's hooks, as iptables' chains name them. */
const HOOKS: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);

/** What lane B does not pass that lane A does: it goes around the kernel's hooks, or leaves the packet to the kernel's stack. */
export type Bypass =
  | { readonly kind: 'bypassed'; /** Hooks and `conntrack`, in the order that lane A passes them. */ readonly names: readonly string[] }
  /** The program handed the packet on to the kernel's stack, whose own hooks that lane does not walk. */
  | { readonly kind: 'stack' }
  /** The program ended the packet. */
  | { readonly kind: 'none' };

/** Only a redirect to a pod bypasses anything: a packet that is handed to the stack meets the stack's hooks there. */
export function bypassOf(chain: Lane, map: Lane): Bypass {
  const stages = map.report.stages;
  if (stages.some(({ kind }) => kind === 'route')) return { kind: 'stack' };
  if (!stages.some(({ kind }) => kind === 'redirect') || map.report.verdict.kind !== 'delivered') return { kind: 'none' };
  const names = new Set<string>();
  for (const { kind, hook } of chain.report.stages) {
    // What follows is the answer's own way.
    if (kind === 'answer') break;
    if (HOOKS.has(hook) && kind !== 'route') names.add(hook);
    if (kind === 'conntrack') names.add('conntrack');
  }
  return { kind: 'bypassed', names: [...names] };
}
