import { DEFAULT_CONFIG, type ProxyConfig } from '../datapaths/iptables/kube-proxy/index.ts';
import { CommandError } from './command.ts';

const isText = (value: unknown) => typeof value === 'string';
const isFlag = (value: unknown) => typeof value === 'boolean';

/** For each setting: what it has to be, in words and as a check. */
const SETTINGS: Readonly<Record<keyof ProxyConfig, readonly [words: string, is: (value: unknown) => boolean]>> = {
  node: ['a node’s name', (value) => isText(value) && value !== ''],
  clusterCIDR: ['a network such as "10.244.0.0/16", or ""', (value) => value === '' || isNetwork(value)],
  masqueradeAll: ['true or false', isFlag],
  masqueradeBit: ['a whole number from 0 to 31', (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 31],
  localhostNodePorts: ['true or false', isFlag],
  nfacct: ['true or false', isFlag],
  conntrackTCPLiberal: ['true or false', isFlag],
  family: ['"ipv4": the only family that is rendered', (value) => value === 'ipv4'],
  nodePortAddresses: ['a list of networks such as ["192.168.10.0/24"], or of "primary", "localhost" and "all"', (value) => value === null || (Array.isArray(value) && value.every((one) => isNetwork(one) || isNetworkElsewhere(one)))],
  syncPeriod: ['a time such as "30s"', (value) => isText(value) && /^(\d+(\.\d+)?(h|m|s|ms|us|ns))+$/.test(value as string)],
};

function isNetwork(value: unknown): boolean {
  return typeof value === 'string' && /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/.test(value);
}

/** What kube-proxy takes too: its own words, and networks of the other family, which it passes over. */
function isNetworkElsewhere(value: unknown): boolean {
  return typeof value === 'string' && /^(primary|localhost|all|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*\/\d{1,3})$/.test(value);
}

/** Reads kube-proxy's settings; those left out keep `otherwise`, or kube-proxy's default. Throws `CommandError`. */
export function proxyConfig(value: unknown, file: string, otherwise: Partial<ProxyConfig>): ProxyConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new CommandError(`${file}: the settings are a JSON object with keys such as "node" and "clusterCIDR".`);
  for (const [key, setting] of Object.entries(value)) {
    if (!Object.hasOwn(SETTINGS, key)) throw new CommandError(`${file}: there is no setting "${key}". Settings: ${Object.keys(SETTINGS).join(', ')}.`);
    const [words, is] = SETTINGS[key as keyof ProxyConfig];
    if (!is(setting)) throw new CommandError(`${file}: "${key}" is ${JSON.stringify(setting)}, and has to be ${words}.`);
  }
  const given = Object.fromEntries(Object.entries(value).filter(([, setting]) => setting !== null)) as Partial<ProxyConfig>;
  return { ...DEFAULT_CONFIG, ...otherwise, ...given };
}
