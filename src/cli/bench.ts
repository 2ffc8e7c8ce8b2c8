import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { Proxier, standingRules, type SyncPayload } from '../datapaths/iptables/kube-proxy/index.ts';
import { Netfilter } from '../datapaths/iptables/netfilter/netfilter.ts';
import { PacketLog } from '../datapaths/iptables/netfilter/packet-log.ts';
import { Topology } from '../datapaths/iptables/netfilter/topology.ts';
import { putPayload } from '../datapaths/iptables/payload-rules.ts';
import type { ClusterChange, ClusterObject } from '../kubernetes/change.ts';
import { preset, type PresetName } from '../kubernetes/presets.ts';
import { formatIpv4, parseIpv4, type Ipv4 } from '../packet/address.ts';
import { firstPicture, type FirstPicture } from './bench/first-picture.ts';
import { askKernel } from './bench/kernel.ts';
import { median, timed } from './bench/median.ts';
import { vmLines, vmTimes } from './bench/vm.ts';
import { CommandError, UsageError, type Command } from './command.ts';

const RUNS = 5;
const PACKETS = 400;
const KERNEL_ROUNDS = 400;
/** The largest cluster that has a budget: first picture within 2 s and 600 MB. */
const LARGEST = '50000';
const SIZES = ['50', '500', '5000', '20000', '50000'];

/** The benchmark: the first picture, and the chain lane and the VM against the machine's own kernel and rbpf where they can be asked. */
export const command: Command = {
  usage: ['[--services 50|500|5000|20000|50000] [--json]'],
  summary: 'Times the first picture of a cluster; the chain: ns a rule scanned, bytes a rule, rules built and payloads rendered, next to the machine’s own kernel; and the VM, in rbpf and compiled: instructions/s and packets/s counted, next to rbpf alone.',
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

function bench(size: PresetName) {
  const first = firstPicture(size);
  const largest = size === LARGEST ? first : firstPicture(LARGEST);
  const change = added(preset(size, 1));
  const renderMs = timed(RUNS, () => new Proxier({}, 1).sync(change)?.text);
  const proxier = new Proxier({}, 1);
  const payload = proxier.sync(change);
  if (!payload) throw new CommandError('The preset gives no rules.');
  const { text } = payload;
  const standing = standingRules();

  let netfilter = load(standing, text);
  const buildMs = timed(RUNS, () => {
    netfilter = load(standing, text);
  });
  const putMs = timed(RUNS, () => {
    put(standing, payload);
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
    firstPictureOf50000: largest,
    render: { ms: median(renderMs), runs: renderMs },
    build: { ms: build, runs: buildMs, kernelMs: kernelBuild, ratio: kernelBuild === null ? null : build / kernelBuild },
    put: { ms: median(putMs), runs: putMs },
    scan: { nsPerRule: scan, kernelNsPerRule: kernelScan, ratio: kernelScan === null ? null : scan / kernelScan, rules: places.between },
    memory,
    vm: vmTimes(),
    kernel: kernel.ok ? kernel.times : { notAsked: kernel.reason },
  };
}

const added = (objects: readonly ClusterObject[]): ClusterChange => objects.map((object) => ({ op: 'add', object }));

function emptyMachine(standing: string): Netfilter {
  const topology = new Topology({ routeLocalnet: true });
  topology.addInterface({ name: 'lo', addresses: [{ address: 0x7f000000 as Ipv4, length: 8 }], own: [0x7f000001 as Ipv4] });
  topology.addRoute({ destination: { address: 0 as Ipv4, length: 0 }, via: null, device: 'lo' });
  const netfilter = new Netfilter({ topology, random32: () => 0 });
  netfilter.restore(standing);
  return netfilter;
}

/** The text read into tables, as iptables-restore reads it. */
function load(standing: string, text: string): Netfilter {
  const netfilter = emptyMachine(standing);
  netfilter.restore(text, { noflush: true });
  return netfilter;
}

/** The same rules put into tables without their text, as the lane does. */
function put(standing: string, payload: SyncPayload): void {
  emptyMachine(standing).change((tables) => {
    putPayload(tables, payload);
  });
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

function pictureLine(services: number, { ms, openMs, raceMs, windowMs, peakMB, threads }: FirstPicture): string {
  return `first picture of ${services.toLocaleString('en')} Services, both lanes in ${threads === 1 ? 'one thread' : `${threads} threads`}: ${ms.toFixed(0)} ms (open ${openMs.toFixed(0)}, race ${raceMs.toFixed(0)}, window ${windowMs.toFixed(0)}) and ${peakMB.toFixed(0)} MB at most`;
}

function lines(result: Result): string[] {
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const against = (value: string, kernel: string | null, ratio: number | null) => (kernel === null || ratio === null ? value : `${value}, the kernel ${kernel}: ratio ${ratio.toFixed(2)}`);
  const { scan, build, memory, firstPicture: first } = result;
  return [
    `${result.services} Services, ${result.rules} rules, payload ${result.bytes} bytes; ${result.machine.processor}, Linux ${result.machine.kernel}, Node ${result.machine.node}`,
    pictureLine(result.services, first),
    ...(result.services === Number(LARGEST) ? [] : [pictureLine(Number(LARGEST), result.firstPictureOf50000)]),
    `render a full payload: ${ms(result.render.ms)}`,
    `build: ${against(ms(build.ms), build.kernelMs === null ? null : `(iptables-legacy-restore) ${ms(build.kernelMs)}`, build.ratio)}`,
    `put the same rules without their text: ${ms(result.put.ms)}`,
    `scan: ${against(`${scan.nsPerRule.toFixed(2)} ns a rule`, scan.kernelNsPerRule === null ? null : `${scan.kernelNsPerRule.toFixed(2)} ns`, scan.ratio)}`,
    `memory: ${memory.bytesPerRule.toFixed(0)} bytes a rule, and ${memory.textBytesPerRule.toFixed(0)} of text`,
    ...vmLines(result.vm),
    ...('notAsked' in result.kernel ? [`the kernel was not asked: ${result.kernel.notAsked}`] : []),
  ];
}
