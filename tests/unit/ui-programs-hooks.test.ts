import { describe, expect, test } from 'vitest';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import { hookLadder } from '../../src/ui/programs/hook-rungs.ts';

const { wasm, objects } = readAssets();
const vm = createVm(wasm);
const shown = (specs: Parameters<typeof hookLadder>[0]) => hookLadder(specs).rungs.map(({ hook, place, programs }) => [hook ?? place, ...programs].join(' '));

describe('the ladder of hooks', () => {
  test.each([
    ['from_container', ['nic', 'XDP', 'tc cil_from_container', 'stack', 'cgroup connect4', 'socket']],
    ['xdp_node', ['nic', 'XDP cil_xdp_entry', 'tc', 'stack', 'cgroup connect4', 'socket']],
    ['connect4', ['nic', 'XDP', 'tc', 'stack', 'cgroup connect4 cil_sock4_connect', 'cgroup sendmsg4 cil_sock4_sendmsg', 'cgroup recvmsg4 cil_sock4_recvmsg', 'cgroup getpeername4 cil_sock4_getpeername', 'socket']],
  ])('%s, as its sections say', (object, rungs) => {
    const bytes = objects[object];
    if (!bytes) throw new Error(object);
    expect(shown(vm.inspect(bytes).programs)).toEqual(rungs);
  });

  test('every program of every object stands at one hook, or elsewhere', () => {
    for (const bytes of Object.values(objects)) {
      const { programs } = vm.inspect(bytes);
      const { rungs, elsewhere } = hookLadder(programs);
      const placed = [...rungs.flatMap((rung) => rung.programs), ...elsewhere.map(({ program }) => program)];
      expect(placed.sort()).toEqual(programs.map(({ name }) => name).sort());
      expect(new Set(rungs.map(({ hook, place }) => hook ?? place)).size).toBe(rungs.length);
    }
  });

  test('directions and hooks beside the way, by libbpf’s section names', () => {
    const spec = (section: string, type: string, name = section) => ({ section, type, name });
    expect(shown([spec('tcx/ingress', 'sched_cls', 'a'), spec('tc/egress', 'sched_cls', 'b'), spec('xdp.frags', 'xdp', 'c'), spec('cgroup_skb/egress', 'cgroup_skb', 'd'), spec('classifier/next', 'sched_cls', 'e')])).toEqual([
      'nic', 'XDP c', 'tc ingress a', 'tc egress b', 'tc e', 'stack', 'cgroup egress d', 'socket',
    ]);
    expect(hookLadder([spec('kprobe/tcp_connect', 'kprobe', 'k'), spec('sockops', 'sock_ops', 's')]).elsewhere).toEqual([{ section: 'kprobe/tcp_connect', program: 'k' }, { section: 'sockops', program: 's' }]);
    expect(shown([])).toEqual(['nic', 'XDP', 'tc', 'stack', 'cgroup connect4', 'socket']);
  });
});
