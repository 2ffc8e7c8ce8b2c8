import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { countTraffic } from '../../lab/nft/counted.ts';
import type { Recording } from '../../lab/nft/record.ts';
import { presetSequence, recordedSequences } from '../../lab/nft/sequences.ts';
import { sumCalls } from '../../lab/nft/strace.ts';
import { IptablesDatapath } from '../../src/datapaths/iptables/iptables-datapath.ts';
import { PRESET_NODE } from '../../src/kubernetes/node.ts';

/**
 * What strace saw of `iptables-nft-restore --noflush --counters` for every payload of a sequence (lab/nft/record.ts), and
 * what the model counts: the same calls and bytes, each way.
 */
const recording = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, 'nft', `${name}.json`), 'utf8')) as Recording;

describe.each(recordedSequences().map((sequence) => [sequence.name, sequence] as const))('%s', (name, sequence) => {
  const { syncs } = recording(name);
  test('every payload’s calls and bytes', () => {
    const counted = [...countTraffic(sequence)].map(({ name: sync, payload, traffic }) => ({ name: sync, kind: payload.kind, payloadBytes: payload.bytes, traffic }));
    expect(counted).toEqual(syncs);
  });
});

test.each(['shop', '50'] as const)('the lane’s own stages, %s', (size) => {
  const sequence = presetSequence(size);
  const lane = new IptablesDatapath({ seed: 1, backend: 'nft', node: { name: sequence.config.node, address: PRESET_NODE.address, clusterCIDR: PRESET_NODE.clusterCIDR, pods: [] } });
  const counted = sequence.syncs.flatMap(({ name, change, everything }) => {
    if (everything) lane.forceFullSync();
    const { kind, stages } = lane.sync(change);
    const work = (of: string) => stages.find((stage) => stage.kind === of)?.work ?? {};
    const bytesAndCalls = (of: string) => [work(of).bytesCopied, work(of).systemCalls];
    return kind === 'none' ? [] : [{ name, fetch: bytesAndCalls('fetch'), commit: bytesAndCalls('commit') }];
  });
  expect(counted).toEqual(
    recording(sequence.name).syncs.map(({ name, traffic: { requests, requestBytes, answers, answerBytes, batches, batchBytes } }) => ({
      name,
      fetch: [requestBytes + answerBytes, requests + answers],
      commit: [batchBytes, batches],
    })),
  );
});

test('a trace’s calls on the first netlink socket', () => {
  const trace = [
    'socket(AF_UNIX, SOCK_STREAM, 0)   = 3',
    'socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER) = 4',
    'socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER) = 5',
    'sendto(5, ..., 48, 0, {sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}, 12) = 48',
    'sendto(4, ..., 20, 0, {sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}, 12) = 20',
    'recvmsg(4, {msg_namelen=12, msg_flags=0}, 0) = 56',
    'recvmsg(4, {msg_namelen=12, msg_flags=0}, 0) = 36',
    'sendmsg(4, {msg_namelen=12, msg_iov=[...], msg_iovlen=1, msg_flags=0}, 0) = 3676',
    '+++ exited with 0 +++',
    '',
  ];
  expect(sumCalls(trace.join('\n'))).toEqual({ requests: 1, requestBytes: 20, answers: 2, answerBytes: 92, batches: 1, batchBytes: 3676 });
  expect(() => sumCalls('recvmsg(4, {}, 0) = -1 ENOBUFS (No buffer space available)')).toThrow('Not understood in strace’s output');
});
