import type { Dice } from '../dice.ts';
import { NAT_PORTS, NAT_RANGES, networkOf, SERVICE_PORTS, type Ends } from './ends.ts';
import type { Place } from './random-match.ts';

export interface RandomTarget {
  /** `-j …`, `-g …`, or nothing. */
  readonly text: string;
  /** The protocol that the kernel wants the rule to name. */
  readonly needs: string | null;
}

/** Which of nat's sides a chain serves: a user's own chain says it by its first letter. */
type NatSide = 'destination' | 'input' | 'output';
const NAT_SIDE: Readonly<Record<string, NatSide>> = { PREROUTING: 'destination', OUTPUT: 'destination', d: 'destination', INPUT: 'input', s: 'input', POSTROUTING: 'output', p: 'output' };

export const natSide = (chain: string) => NAT_SIDE[chain] ?? NAT_SIDE[chain.slice(0, 1)];

const IN_NAT: Readonly<Record<NatSide, readonly string[]>> = {
  destination: ['DNAT', 'DNAT', 'DNAT', 'DNAT', 'REDIRECT', 'NETMAP', 'DNAT range'],
  input: ['SNAT', 'SNAT', 'NETMAP', 'SNAT range'],
  output: ['SNAT', 'SNAT', 'MASQUERADE', 'MASQUERADE', 'NETMAP', 'SNAT range'],
};
const IN_TABLE: Readonly<Record<string, readonly string[]>> = {
  raw: ['DROP', 'NOTRACK', 'CT', 'TRACE'],
  mangle: ['DROP', 'CONNMARK', 'CONNMARK', 'TTL', 'TOS', 'DSCP', 'CHECKSUM', 'TCPMSS'],
  filter: ['DROP', 'REJECT', 'REJECT'],
};
const REJECTIONS = ['icmp-port-unreachable', 'icmp-net-unreachable', 'icmp-host-unreachable', 'icmp-proto-unreachable', 'icmp-net-prohibited', 'icmp-host-prohibited', 'icmp-admin-prohibited', 'tcp-reset'];

/** A random target for a rule. `later`: the user's own chains that it may go on to, so that no loop comes about. */
export function randomTarget(dice: Dice, ends: Ends, { table, chain }: Place, later: readonly string[]): RandomTarget {
  const side = table === 'nat' ? natSide(chain) : undefined;
  const onWayOut = table === 'mangle' && ['FORWARD', 'OUTPUT', 'POSTROUTING'].includes(chain);
  const kind = dice.pick(['ACCEPT', 'RETURN', 'none', 'MARK', 'MARK', 'LOG', 'NFLOG', 'SET', ...(later.length > 0 ? ['jump', 'jump', 'jump', 'jump', 'goto'] : []), ...(side ? IN_NAT[side] : []), ...(IN_TABLE[table] ?? []), ...(onWayOut ? ['CLASSIFY'] : [])]);
  const free = (text: string): RandomTarget => ({ text, needs: null });
  const ported = (text: string, hasPort = true): RandomTarget => ({ text, needs: hasPort ? dice.pick(['tcp', 'udp']) : null });
  switch (kind) {
    case 'none':
      return free('');
    case 'jump':
      return free(`-j ${dice.pick(later)}`);
    case 'goto':
      return free(`-g ${dice.pick(later)}`);
    case 'MARK':
      return free(`-j MARK ${dice.chance(0.7) ? `${dice.pick(['--set-mark', '--and-mark', '--or-mark', '--xor-mark', '--set-xmark'])} ${dice.pick(['0x1', '0x2', '0x4000', '0xff', '0x3'])}` : `--set-xmark ${dice.pick(['0x4000/0x4000', '0x1/0xff', '0x0/0x2'])}`}`);
    case 'CONNMARK':
      return free(`-j CONNMARK ${dice.pick(['--save-mark', '--restore-mark', '--set-mark 0x1', '--set-xmark 0x2/0xff', '--save-mark --nfmask 0xff --ctmask 0xff', '--restore-mark --nfmask 0xf --ctmask 0xf', '--and-mark 0x2', '--or-mark 0x2', '--xor-mark 0x3', '--set-mark 0x1 --left-shift-mark 4', '--restore-mark --right-shift-mark 1'])}`);
    case 'LOG':
      return free('-j LOG --log-prefix "x: " --log-level 7');
    case 'NFLOG':
      return free('-j NFLOG --nflog-group 3');
    case 'SET':
      return free(`-j SET --${dice.pick(['add-set', 'del-set'])} ${dice.pick(['ips', 'nets'])} ${dice.pick(['src', 'dst'])}`);
    case 'CT':
      return free(`-j CT ${dice.pick(['--notrack', '--zone 1', '--zone 2', '--zone-orig 1', '--zone-reply 3', '--zone mark'])}`);
    case 'TTL':
      return free(`-j TTL ${dice.pick(['--ttl-set 33', '--ttl-inc 1', '--ttl-dec 1'])}`);
    case 'TOS':
      return free(`-j TOS ${dice.pick(['--set-tos 0x10/0x3f', '--set-tos 0x08', '--or-tos 0x10'])}`);
    case 'DSCP':
      return free('-j DSCP --set-dscp 0x0a');
    case 'CLASSIFY':
      return free('-j CLASSIFY --set-class 1:2');
    case 'CHECKSUM':
      return free('-j CHECKSUM --checksum-fill');
    case 'TCPMSS':
      return { text: `-m tcp --tcp-flags SYN,RST SYN -j TCPMSS ${onWayOut ? dice.pick(['--set-mss 1400', '--clamp-mss-to-pmtu']) : '--set-mss 1400'}`, needs: 'tcp' };
    case 'REJECT': {
      const type = dice.pick(['', ...REJECTIONS]);
      return { text: `-j REJECT${type === '' ? '' : ` --reject-with ${type}`}`, needs: type === 'tcp-reset' ? 'tcp' : null };
    }
    case 'DNAT': {
      const address = dice.pick([...ends.servers, ...ends.clients, ...ends.own, '127.0.0.1']);
      const how = dice.between(0, 9);
      if (how < 4) return free(`-j DNAT --to-destination ${address}`);
      return ported(`-j DNAT --to-destination ${how < 8 ? `${address}:${dice.pick(SERVICE_PORTS)}` : how < 9 ? `:${dice.pick(SERVICE_PORTS)}` : `${address}:${NAT_RANGES.destination}`}`);
    }
    case 'SNAT': {
      const address = dice.pick([...ends.own, ...ends.clients, ...ends.servers.slice(0, 2)]);
      const how = dice.between(0, 9);
      if (how < 6) return free(`-j SNAT --to-source ${address}`);
      return ported(`-j SNAT --to-source ${address}:${how < 9 ? dice.pick(NAT_PORTS) : NAT_RANGES.source}`);
    }
    case 'DNAT range':
    case 'SNAT range': {
      const address = dice.pick(ends.servers.slice(0, 3));
      const last = Number(address.split('.')[3]) + dice.between(0, 3);
      return free(`-j ${kind === 'DNAT range' ? 'DNAT --to-destination' : 'SNAT --to-source'} ${address}-${networkOf(address)}.${last}${dice.pick(['', ' --persistent'])}`);
    }
    case 'MASQUERADE':
      return free(`-j MASQUERADE${dice.pick(['', '', '', ' --random-fully'])}`);
    case 'REDIRECT': {
      const port = dice.chance(0.6);
      return ported(`-j REDIRECT${port ? ` --to-ports ${dice.pick(SERVICE_PORTS)}` : ''}`, port);
    }
    case 'NETMAP':
      return free(`-j NETMAP --to ${networkOf(dice.pick([...ends.servers, ...ends.clients]))}.0/24`);
    default:
      return free(`-j ${kind}`);
  }
}
