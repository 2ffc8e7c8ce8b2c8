import process from 'node:process';
import type { LabCheck } from '../lab-check.ts';
import { hasCommand, LabError } from '../shell.ts';
import { Workshop } from '../workshop.ts';
import { countTraffic } from './counted.ts';
import { recordSequence } from './record.ts';
import { recordedSequences, type Sequence } from './sequences.ts';
import { iptablesVersion } from './strace.ts';

const NAME = 'what iptables-nft-restore says over netlink';
const PACKAGES = 'apt-get install iptables iproute2 strace';
/** Of iptables-nft, the version whose messages the model knows. */
const KNOWN = '1.8.9';
/** The largest preset takes iptables-nft-restore a quarter of a minute: its recording stands for it. */
const LARGEST = 'services-5000';

/**
 * Every payload of the recorded sequences through this machine's iptables-nft-restore under strace, and through the
 * engine: calls and bytes, each way. Each sequence has a network namespace of its own, which ends with it.
 */
export function checkNft(say: (line: string) => void): LabCheck[] {
  const missing = whatIsMissing();
  if (missing !== null) return [{ name: NAME, passed: null, detail: missing }];
  say('kube-proxy’s payloads through iptables-nft-restore under strace');
  const workshop = new Workshop();
  try {
    return recordedSequences().filter(({ name }) => name !== LARGEST).map((sequence) => checkSequence(workshop, sequence));
  } finally {
    workshop.close();
  }
}

function checkSequence(workshop: Workshop, sequence: Sequence): LabCheck {
  const name = `${NAME}, ${sequence.name}`;
  if (sequence.config.nfacct && !hasCommand('nfacct')) return { name, passed: null, detail: 'nfacct is not installed, and the rules name its counters (apt-get install nfacct).' };
  try {
    const { syncs } = recordSequence(workshop, sequence);
    const differing = [...countTraffic(sequence)].flatMap(({ name: sync, traffic }, index) => {
      const seen = syncs[index]?.traffic;
      return JSON.stringify(seen) === JSON.stringify(traffic) ? [] : [`${sync}: strace saw ${JSON.stringify(seen)}, the engine counts ${JSON.stringify(traffic)}`];
    });
    if (differing.length === 0) return { name, passed: true, detail: `${syncs.length} payloads` };
    const version = iptablesVersion();
    if (version !== KNOWN) return { name, passed: null, detail: `this is iptables ${version}, and the messages known are those of ${KNOWN}; ${differing[0]}` };
    return { name, passed: false, detail: differing.join('; ') };
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return { name, passed: null, detail: error.message };
  }
}

/** A sentence, or null where everything is there. */
function whatIsMissing(): string | null {
  if (process.platform !== 'linux') return `This is ${process.platform}, not Linux: there is no nf_tables here to compare with.`;
  if (process.getuid?.() !== 0) return 'Network namespaces, iptables and strace need root: run it with sudo.';
  const absent = ['ip', 'nsenter', 'iptables-nft', 'iptables-nft-restore', 'strace'].filter((command) => !hasCommand(command));
  return absent.length > 0 ? `${absent.join(', ')} ${absent.length === 1 ? 'is' : 'are'} not installed (${PACKAGES}).` : null;
}
