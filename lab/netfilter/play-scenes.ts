import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { LabCheck } from '../lab-check.ts';
import { LabError } from '../shell.ts';
import { ROOT } from '../workshop.ts';
import type { Backend, Inner, Out, RecordedCase } from './case.ts';
import { prepare } from './check.ts';
import { differences } from './compare.ts';
import { play } from './play.ts';
import { readScenes, scenePlan, type Scene } from './scenes.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Where they stand recorded, for the tests. */
const RECORDED = join(ROOT, 'tests', 'conformance', 'netfilter', 'scenes.jsonl');
/** Scenes at once: most of their time is waiting. */
const AT_ONCE = 12;
/** How long the kernel is given for a packet, where so many are under way; and where the machine is busy. */
const SETTLE_MICROSECONDS = [1500, 6000];

export interface ScenesOptions {
  readonly backend: Backend;
  /** Only those whose name holds this. */
  readonly only: string;
  /** Write down what the kernel did. */
  readonly record: boolean;
  readonly say: (line: string) => void;
}

/** Plays the scenes made by hand in this machine's netfilter and in the engine. Throws `LabError` where a scene cannot be read. */
export async function playScenes({ backend, only, record, say }: ScenesOptions): Promise<LabCheck> {
  const name = `scenes made by hand, iptables-${backend}`;
  const helper = prepare();
  if ('missing' in helper) return { name, passed: null, detail: helper.missing };
  const scenes = readScenes().filter((scene) => scene.name.includes(only));
  const recorded: (RecordedCase | undefined)[] = scenes.map(() => undefined);
  let next = 0;
  let differ = 0;
  const work = async () => {
    for (;;) {
      const index = next;
      next += 1;
      const scene = scenes[index];
      if (!scene) return;
      try {
        const { record: played, found } = await playScene(helper.path, scene, backend);
        recorded[index] = played;
        if (found.length === 0) continue;
        differ += 1;
        say(`${scene.name}:\n  ${found.join('\n  ')}`);
      } catch (error) {
        if (!(error instanceof LabError)) throw error;
        say(`${scene.name} could not be played: ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const played = recorded.filter((one) => one !== undefined);
  const packets = played.reduce((sum, one) => sum + one['packets.json'].length, 0);
  if (differ > 0) return { name, passed: false, detail: `${differ} of ${played.length} scenes differ.` };
  if (played.length < scenes.length) return { name, passed: null, detail: `${played.length} scenes agree, ${scenes.length - played.length} could not be played.` };
  if (record) writeFileSync(RECORDED, played.map((one) => `${JSON.stringify({ ...one, kernel: { ...one.kernel, outs: one.kernel.outs.map((outs) => outs.map(withoutRest)) } })}\n`).join(''));
  return { name, passed: true, detail: `${played.length} scenes of ${packets} packets: what came out and every counter agree${record ? `; written: ${relative(ROOT, RECORDED)}` : ''}.` };
}

/** Fields that an outcome does not have. */
function withoutRest({ length: _, flags: __, seq: ___, ack: ____, inner, ...out }: Out): Fields {
  return inner ? { ...out, inner: withoutHeader(inner) } : out;
}

function withoutHeader({ length: _, ttl: __, flags: ___, seq: ____, ack: _____, icmp_type: ______, icmp_code: _______, ...inner }: Inner): Fields {
  return inner;
}

/** One that differs is played again, with more patience. */
async function playScene(helper: string, scene: Scene, backend: Backend): Promise<{ readonly record: RecordedCase; readonly found: string[] }> {
  let last: { readonly record: RecordedCase; readonly found: string[] } | null = null;
  for (const settleMicroseconds of SETTLE_MICROSECONDS) {
    const record = await play(helper, { ...scenePlan(scene, backend), settleMicroseconds });
    last = { record, found: compared(record) };
    if (last.found.length === 0) return last;
  }
  if (!last) throw new Error('playScene: no patience at all');
  return last;
}

function compared(record: RecordedCase): string[] {
  try {
    return differences(record);
  } catch (error) {
    return [`the engine refuses it: ${error instanceof Error ? error.message : String(error)}`];
  }
}
