import { afterEach, describe, expect, it } from 'vitest';
import { AFFINITY_MATCH_VALUE, affinityMatchKey, MAP, SERVICE_FLAG, SERVICE_FLAG_2 } from '../../src/datapaths/ebpf/agent/layout.ts';
import { address, Bench, end, UDP } from './program-bench.ts';

const SYS_REJECT = 0;
const SYS_PROCEED = 1;
const VIP = '10.96.0.10:80';

let bench: Bench;
afterEach(() => {
  bench.free();
});

function start(seed = 1): void {
  bench = new Bench('connect4', { seed });
}

/** `struct bpf_sock_addr`, 72 bytes: the address in words of the UAPI header. */
function sockAddr(to: string, protocol = 6): Uint8Array {
  const view = new DataView(new ArrayBuffer(72));
  const { address: ip, port } = end(to);
  view.setUint32(0, 2, true); // user_family: AF_INET
  view.setUint32(4, ip); // user_ip4, network order
  view.setUint16(24, port); // user_port: the lower 16 bits, network order
  view.setUint32(28, 2, true); // family
  view.setUint32(32, protocol === 6 ? 1 : 2, true); // type
  view.setUint32(36, protocol, true);
  return new Uint8Array(view.buffer);
}

function call(program: string, to: string, protocol = 6) {
  const output = bench.collection.run(program, { data: sockAddr(to, protocol), nowNs: bench.now });
  const view = new DataView(output.data.buffer, output.data.byteOffset);
  const ip = [24, 16, 8, 0].map((shift) => (view.getUint32(4) >>> shift) & 255).join('.');
  return { ...output, to: `${ip}:${view.getUint16(24)}` };
}

describe.each([
  { program: 'cil_sock4_connect', protocol: 6 },
  { program: 'cil_sock4_connect', protocol: UDP },
  { program: 'cil_sock4_sendmsg', protocol: UDP },
])('$program, protocol $protocol', ({ program, protocol }) => {
  it('puts a backend in the Service’s place', () => {
    start();
    bench.service(1, VIP, ['10.0.1.1:8080'], { protocol });
    const ran = call(program, VIP, protocol);
    expect(ran).toMatchObject({ returnValue: SYS_PROCEED, to: '10.0.1.1:8080' });
    // Slot 0, slot, backend: and what it was, for the way back.
    expect(bench.lookups(ran)).toEqual(['lookup lb4_services_v2', 'lookup lb4_services_v2', 'lookup lb4_backends_v3', 'update lb4_reverse_sk ✗']);
  });

  it.each([
    { name: 'no Service', to: '10.96.0.99:80' },
    { name: 'another port', to: '10.96.0.10:81' },
    { name: 'another protocol’s Service', to: '10.96.0.11:80' },
  ])('leaves others alone: $name', ({ to }) => {
    start();
    bench.service(1, VIP, ['10.0.1.1:8080'], { protocol });
    bench.service(2, '10.96.0.11:80', ['10.0.1.1:8080'], { protocol: protocol === 6 ? UDP : 6 });
    expect(call(program, to, protocol)).toMatchObject({ returnValue: SYS_PROCEED, to });
  });

  it('draws among all backends', () => {
    start();
    const backends = ['10.0.1.1:80', '10.0.1.2:80', '10.0.1.3:80'];
    bench.service(1, VIP, backends, { protocol });
    const counts = new Map<string, number>();
    for (let round = 0; round < 300; round++) {
      const { to } = call(program, VIP, protocol);
      counts.set(to, (counts.get(to) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(backends);
    for (const count of counts.values()) expect(count).toBeGreaterThan(60);
  });

  it('refuses where there is no backend', () => {
    start();
    bench.service(1, VIP, [], { protocol });
    expect(call(program, VIP, protocol)).toMatchObject({ returnValue: SYS_REJECT, to: VIP, helperCalls: { set_retval: 1 } });
  });

  it('a slot that points at nothing refuses too', () => {
    start();
    bench.service(1, VIP, ['10.0.1.1:80'], { protocol });
    bench.write(MAP.backends, Uint8Array.of(100, 0, 0, 0), null);
    expect(call(program, VIP, protocol).returnValue).toBe(SYS_REJECT);
  });

  it('keeps a network namespace at its backend with affinity, for its time', () => {
    start();
    const backends = ['10.0.1.1:80', '10.0.1.2:80', '10.0.1.3:80', '10.0.1.4:80'];
    bench.service(1, VIP, backends, { protocol, flags: SERVICE_FLAG.affinity, affinitySeconds: 10 });
    backends.forEach((_, index) => {
      bench.write(MAP.affinityMatch, affinityMatchKey(100 + index, 1), AFFINITY_MATCH_VALUE);
    });
    const first = call(program, VIP, protocol).to;
    for (let round = 0; round < 30; round++) expect(call(program, VIP, protocol).to).toBe(first);
    const later = new Set(Array.from({ length: 40 }, () => {
      bench.now += 10_000_000_000n;
      return call(program, VIP, protocol).to;
    }));
    expect(later.size).toBe(backends.length);
  });

  it('takes the internal scope', () => {
    start();
    bench.service(1, '192.168.0.11:30080', ['10.0.1.1:80'], { protocol, scope: 1, flags2: SERVICE_FLAG_2.twoScopes });
    bench.service(2, '192.168.0.11:30080', [], { protocol, flags2: SERVICE_FLAG_2.twoScopes });
    expect(call(program, '192.168.0.11:30080', protocol).to).toBe('10.0.1.1:80');
  });
});

describe.each(['cil_sock4_recvmsg', 'cil_sock4_getpeername'])('%s', (program) => {
  it('shows the Service that was asked, for the backend it became', () => {
    start();
    bench.service(1, VIP, ['10.0.1.1:8080'], { protocol: UDP });
    call('cil_sock4_sendmsg', VIP, UDP);
    expect(call(program, '10.0.1.1:8080', UDP)).toMatchObject({ returnValue: SYS_PROCEED, to: VIP });
  });

  it('leaves every other address as it is', () => {
    start();
    bench.service(1, VIP, ['10.0.1.1:8080'], { protocol: UDP });
    call('cil_sock4_sendmsg', VIP, UDP);
    for (const to of ['10.0.1.1:8081', '10.0.1.2:8080', VIP]) expect(call(program, to, UDP)).toMatchObject({ returnValue: SYS_PROCEED, to });
    expect(address('10.96.0.10')).toBe(0x0a60000a);
  });
});
