import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { IptablesDatapath } from '../datapaths/iptables/iptables-datapath.ts';
import { Proxier, standingRules } from '../datapaths/iptables/kube-proxy/index.ts';
import { Netfilter } from '../datapaths/iptables/netfilter/netfilter.ts';
import { PacketLog } from '../datapaths/iptables/netfilter/packet-log.ts';
import { Topology } from '../datapaths/iptables/netfilter/topology.ts';
import type { ClusterChange, ClusterObject } from '../kubernetes/change.ts';
import { preset, type PresetName } from '../kubernetes/presets.ts';
import { formatIpv4, parseIpv4, type Ipv4 } from '../packet/address.ts';
import { askKernel } from './bench/kernel.ts';
import { median, timed } from './bench/median.ts';
import { vmLines, vmTimes } from './bench/vm.ts';
import { CommandError, UsageError, type Command } from './command.ts';

const RUNS = 5;
const PACKETS = 400;
const KERNEL_ROUNDS = 400;
const SIZES = ['50', '500', '5000', '20000', '50000'];

/** The benchmark of the chain lane, against the machine's own kernel where it can be asked. */
export const command: Command = {
  usage: ['[--services 50|500|5000|20000|50000] [--json]'],
  summary: 'Times the chain: ns a rule scanned, bytes a rule, rules built and payloads rendered, next to the machine’s own kernel; and the VM: instructions/s and packets/s counted, next to rbpf alone.',
  run(args, print) {
    const { values } = parseArgs({ args: [...args], options: { services: { type: 'string', default: '5000' }, json: { type: 'boolean', default: false } } });
    if (!SIZES.includes(values.services)) throw new UsageError(`--services takes one of ${SIZES.join(', ')}.`);
    const result = bench(values.services as PresetName);
    if (values.json) {
      print(JSON.stringify(result));
      return;
    }
    for (const line of lines(result)) print(line);
  },
};

type Result = ReturnType<typeof bench>;

const NODE = { name: 'node-1', address: '192.168.0.11', clusterCIDR: '10.244.0.0/16', pods: [] };

function bench(size: PresetName) {
  // First of all, while the process is as it is when a page begins.
  const first = firstPicture(size);
  const change = added(preset(size, 1));
  const renderMs = timed(RUNS, () => new Proxier({}, 1).sync(change));
  const proxier = new Proxier({}, 1);
  const payload = proxier.sync(change);
  if (!payload) throw new CommandError('The preset gives no rules.');
  const { text } = payload;
  const standing = standingRules();

  let netfilter = load(standing, text);
  const buildMs = timed(RUNS, () => {
    netfilter = load(standing, text);
  });
  const memory = memoryOf(netfilter);
  const places = servicePlaces(text);
  // A first packet that is sent without a handshake: the same rules for UDP.
  const udp = text.replaceAll(' -m tcp -p tcp ', ' -m udp -p udp ');
  const scan = scanTimes(load(standing, udp), places);

  const kernel = askKernel(standing, text, udp, [places.first, places.last].map(({ address, port }) => `${formatIpv4(address)}:${port}`), KERNEL_ROUNDS, 3);
  const kernelScan = kernel.ok ? ((kernel.times.sendNs[1] ?? 0) - (kernel.times.sendNs[0] ?? 0)) / places.between : null;
  const kernelBuild = kernel.ok ? median(kernel.times.restoreMs) : null;
  const build = median(buildMs);
  return {
    machine: { processor: cpus()[0]?.model ?? '', kernel: release(), node: process.version },
    services: Number(size),
    rules: memory.rules,
    bytes: payload.bytes,
    firstPicture: first,
    render: { ms: median(renderMs), runs: renderMs },
    build: { ms: build, runs: buildMs, kernelMs: kernelBuild, ratio: kernelBuild === null ? null : build / kernelBuild },
    scan: { nsPerRule: scan, kernelNsPerRule: kernelScan, ratio: kernelScan === null ? null : scan / kernelScan, rules: places.between },
    memory,
    vm: vmTimes(),
    kernel: kernel.ok ? kernel.times : { notAsked: kernel.reason },
  };
}

const added = (objects: readonly ClusterObject[]): ClusterChange => objects.map((object) => ({ op: 'add', object }));

/** From nothing to the first window of rules and the first packet's way. */
function firstPicture(size: PresetName) {
  const start = performance.now();
  const change = added(preset(size, 1));
  const made = performance.now();
  const lane = new IptablesDatapath({ seed: 1, backend: 'legacy', node: NODE });
  lane.sync(change);
  const synced = performance.now();
  const window = lane.inspect({ kind: 'rules', table: 'nat', chain: 'KUBE-SERVICES', from: 0, count: 100 });
  const end = performance.now();
  if (window.kind !== 'rules' || window.rows.length === 0) throw new CommandError('The lane shows no rules.');
  return { ms: end - start, clusterMs: made - start, syncMs: synced - made, windowMs: end - synced, residentMB: process.memoryUsage().rss / 1e6 };
}

function load(standing: string, text: string): Netfilter {
  const topology = new Topology({ routeLocalnet: true });
  topology.addInterface({ name: 'lo', addresses: [{ address: 0x7f000000 as Ipv4, length: 8 }], own: [0x7f000001 as Ipv4] });
  topology.addRoute({ destination: { address: 0 as Ipv4, length: 0 }, via: null, device: 'lo' });
  const netfilter = new Netfilter({ topology, random32: () => 0 });
  netfilter.restore(standing);
  netfilter.restore(text, { noflush: true });
  return netfilter;
}

interface Place {
  readonly address: Ipv4;
  readonly port: number;
}

/** The first and the last Service of nat KUBE-SERVICES, and how many rules lie between them. */
function servicePlaces(text: string): { readonly first: Place; readonly last: Place; readonly between: number } {
  const places: (Place & { readonly at: number })[] = [];
  let at = 0;
  for (const [, address = '', port = ''] of text.slice(text.indexOf('\n*nat\n')).matchAll(/^-A KUBE-SERVICES .*? -d (\d+\.\d+\.\d+\.\d+) --dport (\d+) /gm)) {
    places.push({ address: parseIpv4(address) ?? (0 as Ipv4), port: Number(port), at: at++ });
  }
  const [first] = places;
  const last = places.at(-1);
  if (!first || !last || first === last) throw new CommandError('There are too few Services to scan past.');
  return { first, last, between: last.at - first.at };
}

/** ns a rule: what a first packet to the last Service takes longer than one to the first, by the rules between them. */
function scanTimes(netfilter: Netfilter, { first, last, between }: ReturnType<typeof servicePlaces>): number {
  let sourcePort = 1024;
  const send = ({ address, port }: Place) => {
    sourcePort = sourcePort === 65_535 ? 1024 : sourcePort + 1;
    netfilter.conntrack.clear();
    const start = performance.now();
    netfilter.output(
      { protocol: 'UDP', source: 0x0a000001 as Ipv4, destination: address, sourcePort, destinationPort: port, ttl: 64, length: 29 },
      new PacketLog('none'),
    );
    return performance.now() - start;
  };
  for (let i = 0; i < PACKETS; i++) {
    send(first);
    send(last);
  }
  const times = { first: [] as number[], last: [] as number[] };
  for (let i = 0; i < PACKETS; i++) {
    times.first.push(send(first));
    times.last.push(send(last));
  }
  return ((median(times.last) - median(times.first)) * 1e6) / between;
}

function memoryOf(netfilter: Netfilter) {
  let rules = 0;
  let bytes = 0;
  let text = 0;
  for (const table of netfilter.tables.values()) {
    const size = table.arena.size();
    rules += table.ruleCount;
    bytes += size.bytes;
    text += size.text;
  }
  return { rules, bytesPerRule: bytes / rules, textBytesPerRule: text / rules };
}

function lines(result: Result): string[] {
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const against = (value: string, kernel: string | null, ratio: number | null) => (kernel === null || ratio === null ? value : `${value}, the kernel ${kernel}: ratio ${ratio.toFixed(2)}`);
  const { scan, build, memory, firstPicture: first } = result;
  return [
    `${result.services} Services, ${result.rules} rules, payload ${result.bytes} bytes; ${result.machine.processor}, Linux ${result.machine.kernel}, Node ${result.machine.node}`,
    `first picture: ${ms(first.ms)} (cluster ${ms(first.clusterMs)}, sync ${ms(first.syncMs)}, window ${ms(first.windowMs)}), ${first.residentMB.toFixed(0)} MB resident`,
    `render a full payload: ${ms(result.render.ms)}`,
    `build: ${against(ms(build.ms), build.kernelMs === null ? null : `(iptables-legacy-restore) ${ms(build.kernelMs)}`, build.ratio)}`,
    `scan: ${against(`${scan.nsPerRule.toFixed(2)} ns a rule`, scan.kernelNsPerRule === null ? null : `${scan.kernelNsPerRule.toFixed(2)} ns`, scan.ratio)}`,
    `memory: ${memory.bytesPerRule.toFixed(0)} bytes a rule, and ${memory.textBytesPerRule.toFixed(0)} of text`,
    ...vmLines(result.vm),
    ...('notAsked' in result.kernel ? [`the kernel was not asked: ${result.kernel.notAsked}`] : []),
  ];
}
