import type { NatRange } from '../nat.ts';
import type { Target } from '../rule.ts';
import type { RuleWords } from './rule-words.ts';
import { readAddress, readAddressRange, readPorts } from './values.ts';

type NatName = (Target & { kind: 'nat' })['name'];

/** Reads the options of DNAT, SNAT, MASQUERADE, REDIRECT and NETMAP. */
export function natTarget(name: NatName, words: RuleWords): Target {
  if (name === 'NETMAP') {
    const option = words.option((word) => word === '--to');
    if (option === undefined) throw words.error('needs', { what: 'NETMAP', option: '--to' });
    const { address, mask } = words.plain(option, readAddress);
    return { kind: 'nat', name, range: { addresses: null, ports: null, randomPorts: false, netmap: { address, mask } } };
  }
  let range: NatRange = { addresses: null, ports: null, randomPorts: false };
  let given = false;
  const to = name === 'DNAT' ? '--to-destination' : name === 'SNAT' ? '--to-source' : '--to-ports';
  const known = (word: string) => word === to || word === '--random' || word === '--random-fully' || (word === '--persistent' && (name === 'DNAT' || name === 'SNAT'));
  for (let option = words.option(known); option !== undefined; option = words.option(known)) {
    words.mustNotNegate(option);
    if (option === '--persistent') {
      range = { ...range, persistent: true };
    } else if (option !== to) {
      range = { ...range, randomPorts: true };
    } else if (given) {
      throw words.error('once_range', { option });
    } else {
      given = true;
      range = { ...range, ...words.plain(option, to === '--to-ports' ? readPortRange : readNatRange) };
    }
  }
  if (!given && to !== '--to-ports') throw words.error('needs', { what: name, option: to });
  return { kind: 'nat', name, range };
}

function readPortRange(text: string): Pick<NatRange, 'ports' | 'basePort'> | undefined {
  const [range = '', base] = text.split('/');
  const ports = readPorts(range.replace('-', ':'));
  if (!ports) return undefined;
  if (base === undefined) return { ports };
  // DNAT's shifted ranges: `80-90/8080` keeps the distance to 8080.
  const first = readPorts(base)?.[0];
  return first === undefined ? undefined : { ports, basePort: first };
}

/** `10.0.0.1`, `10.0.0.1-10.0.0.9`, `:80`, `10.0.0.1:80-90`. */
function readNatRange(text: string): Pick<NatRange, 'addresses' | 'ports' | 'basePort'> | undefined {
  const [address = '', port, ...more] = text.split(':');
  if (more.length > 0) return undefined;
  const addresses = address === '' ? null : readAddressRange(address);
  if (addresses === undefined) return undefined;
  if (port === undefined) return addresses ? { addresses, ports: null } : undefined;
  const ports = readPortRange(port);
  return ports ? { addresses, ...ports } : undefined;
}
