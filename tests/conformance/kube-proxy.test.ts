import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEFAULT_CONFIG, Proxier } from '../../src/datapaths/iptables/kube-proxy/index.ts';
import type { ClusterChange, ClusterObject } from '../../src/kubernetes/change.ts';
import { canonical } from './canonical.ts';
import { drawCase, RECORDED } from './kube-proxy/draw-case.ts';

/** A hash of each payload that the real kube-proxy wrote for these random clusters: `npm run lab -- kube-proxy --record`. */
const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, 'kube-proxy', 'recorded.json'), 'utf8')) as { readonly cases: readonly (readonly (string | null)[])[] };

describe('random clusters, as the real kube-proxy writes them', () => {
  test('all are there', () => expect(cases).toHaveLength(RECORDED));

  test.each(cases.map((hashes, index) => [index + 1, hashes] as const))('seed %i', (seed, hashes) => {
    const { config, items, steps } = drawCase(seed);
    const proxier = new Proxier({ ...DEFAULT_CONFIG, ...config }, seed);
    const changes = [items.map((object) => ({ op: 'add', object })), ...steps] as unknown as readonly ClusterChange[];
    const ours = changes.map((change) => proxier.sync(change)).map((payload) => (payload ? createHash('sha256').update(canonical(payload.text)).digest('hex').slice(0, 16) : null));
    expect(ours).toEqual(hashes);
  });
});

describe('what the real kube-proxy was found to do', () => {
  const service = (labels: Record<string, string> = {}): ClusterObject => ({
    kind: 'Service', apiVersion: 'v1', metadata: { name: 'web', namespace: 'shop', labels },
    spec: { type: 'ClusterIP', clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], sessionAffinity: 'None', ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }] },
  } as ClusterObject);
  const slice = (name: string, conditions: readonly object[], labels: Record<string, string> = {}): ClusterObject => ({
    kind: 'EndpointSlice', apiVersion: 'discovery.k8s.io/v1', metadata: { name, namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web', ...labels } }, addressType: 'IPv4',
    endpoints: conditions.map((one) => ({ addresses: ['10.244.0.5'], conditions: one })), ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  } as unknown as ClusterObject);
  const full = (...objects: ClusterObject[]) => new Proxier(DEFAULT_CONFIG, 1).sync(objects.map((object) => ({ op: 'add', object })))?.text ?? '';
  const READY = { ready: true, serving: true, terminating: false };
  const UNREADY = { ready: false, serving: false, terminating: false };
  const ENDING = { ready: false, serving: false, terminating: true };

  test('a Service that is labelled headless but has a cluster IP gets its rules', () => {
    expect(full(service({ 'service.kubernetes.io/headless': '' }), slice('a', [READY]))).toContain('--to-destination 10.244.0.5:8080');
  });

  test('of two endpoints with one address the last stands, unless it ends', () => {
    expect(full(service(), slice('a', [READY, UNREADY]))).not.toContain('--to-destination');
    expect(full(service(), slice('a', [UNREADY, READY]))).toContain('--to-destination');
    expect(full(service(), slice('a', [READY, ENDING]))).toContain('--to-destination');
  });

  test('a slice that becomes a headless Service’s goes from the Service that it was of', () => {
    const proxier = new Proxier(DEFAULT_CONFIG, 1);
    proxier.sync([{ op: 'add', object: service() }, { op: 'add', object: slice('a', [READY]) }]);
    const moved = slice('a', [READY], { 'kubernetes.io/service-name': 'other', 'service.kubernetes.io/headless': '' });
    expect(proxier.sync([{ op: 'update', object: moved }])?.text).toContain('shop/web has no endpoints');
  });
});
