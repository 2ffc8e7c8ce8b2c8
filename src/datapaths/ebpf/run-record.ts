import type { AttachedRun } from '../report.ts';
import type { Stage } from '../stage.ts';
import type { MapAccess, ProgramTrace } from '../trace.ts';
import { addWork, type Counter, type HelperCounter, type Work } from '../work.ts';
import { keyText, valueText } from './map-text.ts';
import type { RunAccess, RunOutput } from './vm.ts';

/** A program that ran, for its stages. */
export interface Ran {
  readonly name: string;
  /** Where it ran, as the kernel names the hook: `tc`, `xdp`. */
  readonly hook: string;
  /** The hook that a person's own program stands at; '' for the lane's own. */
  readonly own: string;
  /** Whether a map is laid out as the lane's own of its name, so that its entries can be said in words. */
  readonly knows: (map: string) => boolean;
}

const REGISTERS = 11;
const HELPER = { lookup: 'map_lookup_elem', update: 'map_update_elem', delete: 'map_delete_elem' } as const;
const MAP_COUNTER = { lookup: 'mapLookups', update: 'mapUpdates', delete: 'mapDeletes' } as const;

/** What a packet's way through programs leaves: stages, accesses, steps, one program's behind the other's. */
export class RunRecord {
  readonly stages: Stage[] = [];
  readonly attached: AttachedRun[] = [];
  /** As the VM tells of them. */
  readonly accessed: RunAccess[] = [];
  #accesses: MapAccess[] = [];
  readonly #steps: NonNullable<RunOutput['steps']>[] = [];
  #taken = 0;

  /** Every instruction of every program; null: no run kept them. */
  get trace(): ProgramTrace | null {
    const [first] = this.#steps;
    if (!first) return null;
    if (this.#steps.length === 1) return { kind: 'program', instruction: first.instruction, registers: first.registers, accesses: this.#accesses };
    const instruction = new Int32Array(this.#taken);
    const registers = new BigUint64Array(this.#taken * REGISTERS);
    let at = 0;
    for (const one of this.#steps) {
      instruction.set(one.instruction, at);
      registers.set(one.registers, at * REGISTERS);
      at += one.instruction.length;
    }
    return { kind: 'program', instruction, registers, accesses: this.#accesses };
  }

  add(kind: Stage['kind'], name: string, hook: string, part: string, work: Work): void {
    this.stages.push(stageOf(kind, name, hook, part, work));
  }

  /** There was no such way: nothing was sent. */
  takeFirst(): void {
    this.stages.shift();
    this.#accesses = this.#accesses.map((access) => ({ ...access, stage: access.stage - 1 }));
  }

  /** A run as stages: the program up to each map access, the access, and the program's rest; behind a tail call under the name of the one that runs then. */
  lay(output: RunOutput, ran: Ran): void {
    const { stages } = this;
    const base = this.#taken;
    const { steps, accesses } = output;
    const counted = new Map<string, number>(Object.entries(output.helperCalls));
    const calls = (steps?.programs ?? []).filter(({ program }, index) => index > 0 && program !== '').map(({ step, program }) => ({ step, program }));
    const laidOut = (map: string) => (ran.knows(map) ? map : '');
    let name = ran.name;
    let from = 0;
    const piece = (to: number, work: Work) => {
      stages.push({ ...stageOf('program', name, ran.hook, ran.own, addWork({ instructions: to - from }, work)), firstStep: steps ? base + from : 0, endStep: steps ? base + to : 0 });
      from = to;
    };
    const program = (to: number, extra: Work) => {
      let work = extra;
      for (let call = calls[0]; call && call.step <= to && call.step > from; call = calls[0]) {
        piece(call.step, work);
        work = {};
        name = call.program;
        calls.shift();
      }
      piece(to, work);
    };
    accesses.forEach((access, index) => {
      const helper = HELPER[access.operation];
      counted.set(helper, (counted.get(helper) ?? 0) - 1);
      program(access.atInstruction, index === 0 ? { programRuns: 1 } : {});
      this.#accesses.push({
        step: base + access.atInstruction - 1,
        stage: stages.length,
        map: access.map,
        operation: access.operation,
        found: access.found,
        bucket: access.bucket,
        buckets: access.buckets,
        elementsCompared: access.elementsCompared,
        key: access.key,
        value: access.value,
        keyText: keyText(laidOut(access.map), access.key),
        valueText: valueText(laidOut(access.map), access.key, access.value),
      });
      const at = steps ? base + from : 0;
      stages.push({ ...stageOf('map', access.map, ran.hook, helper, accessWork(access, helper)), firstStep: at, endStep: at });
    });
    // Helpers that touch no map are counted with the program's rest, where nearly all of them are.
    const rest: Partial<Record<Counter, number>> = {};
    let helperCalls = 0;
    for (const [helper, count] of counted) {
      if (count <= 0) continue;
      rest[`helper:${helper}` as HelperCounter] = count;
      helperCalls += count;
    }
    program(output.instructions, addWork(rest, { helperCalls }, accesses.length === 0 ? { programRuns: 1 } : {}));
    this.accessed.push(...accesses);
    if (steps) this.#steps.push(steps);
    this.#taken += steps ? steps.instruction.length : 0;
  }
}

function accessWork(access: RunAccess, helper: (typeof HELPER)[RunAccess['operation']]): Work {
  return { [MAP_COUNTER[access.operation]]: 1, elementsCompared: access.elementsCompared, ...(access.trieNodesWalked > 0 ? { trieNodesWalked: access.trieNodesWalked } : {}), helperCalls: 1, [`helper:${helper}`]: 1 };
}

function stageOf(kind: Stage['kind'], name: string, hook: string, part: string, work: Work): Stage {
  return { kind, name, hook, part, work, firstStep: 0, endStep: 0 };
}
