import { assemble, type AssemblyFault } from '../../datapaths/ebpf/assembler.ts';
import { assemblyText } from '../../datapaths/ebpf/assembler/assembly-text.ts';
import type { ProgramSpec } from '../../datapaths/ebpf/vm.ts';
import type { MapInfo } from '../../datapaths/view.ts';
import type { BpfFault, MapWindow, OpenedObject, OpenedProgram, Outcome, ProgramAccess, ProgramInput, ProgramsApi } from '../../simulation/programs/api.ts';
import { programKind } from '../../simulation/programs/program-kind.ts';
import type { SceneProgram } from '../../simulation/scene.ts';
import { asSimulationError, type SimulationError } from '../../simulation/simulation-error.ts';
import { EXAMPLE_TEXT } from './example-text.ts';
import { bytesOf } from './hex.ts';
import { FIRST, firstProgram, linkedProgram } from './linked-program.ts';
import type { Origin } from './origin.ts';
import { RunTrace } from './run-trace.ts';

/** Rows of a map that are shown at once. */
export const MAP_ROWS = 50;
/** Rows before the one that is looked at. */
const BEFORE = 2;
const LARGEST_OBJECT = 16_000_000;

/** Everything that the mode Programs shows: an object, one of its programs, what it is run on, a run, and where in it. */
export class ProgramsState {
  samples = $state.raw<readonly string[]>([]);
  origin = $state.raw<Origin | null>(null);
  /** Assembler text, kept while other objects are looked at. */
  text = $state(EXAMPLE_TEXT);
  textFaults = $state.raw<readonly AssemblyFault[]>([]);
  /** For each slot the text's line that it was made from; null: the program is not from the text. */
  textLines = $state.raw<Int32Array | null>(null);
  object = $state.raw<OpenedObject | null>(null);
  /** Why an object could not even be read. */
  objectFault = $state.raw<BpfFault | null>(null);
  name = $state<string | null>(null);
  program = $state.raw<OpenedProgram | null>(null);
  input = $state.raw<ProgramInput | null>(null);
  /** What is written for the input is no packet: it is then still the last good one, and is not run. */
  inputWrong = $state(false);
  trace = $state.raw<RunTrace | null>(null);
  /** Runs over the maps as they are, since the object was opened. */
  runs = $state(0);
  runFault = $state.raw<BpfFault | null>(null);
  place = $state(0);
  /** Global constants of the object that were rewritten, by name. */
  rewritten = $state.raw<Readonly<Record<string, Uint8Array>>>({});
  maps = $state.raw<readonly MapInfo[]>([]);
  mapName = $state<string | null>(null);
  window = $state.raw<{ readonly from: number; readonly shown: MapWindow } | null>(null);
  mapFault = $state.raw<BpfFault | null>(null);
  /** What the page itself could not do. */
  failure = $state.raw<SimulationError | null>(null);
  busy = $state(false);

  readonly #api: ProgramsApi;
  /** What the object on the page was opened from. */
  #opened: { readonly source: Parameters<ProgramsApi['open']>[0]; readonly text: { readonly name: string; readonly lines: Int32Array } | null } | null = null;
  /** What was asked for last: older answers are let go. */
  #turn = 0;
  #mapTurn = 0;
  #started = false;
  #underWay = 0;

  constructor(api: ProgramsApi) {
    this.#api = api;
  }

  // Getters, not deriveds: those would end with the component that made this state.
  get spec(): ProgramSpec | null {
    return this.object?.spec.programs.find(({ name }) => name === this.name) ?? null;
  }

  /** The map access that is next. */
  get access(): ProgramAccess | null {
    return this.trace?.access(this.place) ?? null;
  }

  /** Whether the program may run: Linux would load it, or the checker could not say. */
  get runnable(): boolean {
    return this.program !== null && this.program.fault === null && this.program.check?.refusal === null && this.textFaults.length === 0;
  }

  get started(): boolean {
    return this.#started;
  }

  /** As `linkedProgram` has it. */
  get linked(): SceneProgram | undefined {
    return linkedProgram(this);
  }

  /** Opens what a link names and runs it; undefined: the first of the project's own objects. */
  async show(wanted: SceneProgram | undefined): Promise<void> {
    this.#started = true;
    await this.#work(async () => {
      if (this.samples.length === 0) this.samples = await this.#api.samples();
      if (wanted?.kind === 'text') await this.useText(wanted.text);
      else {
        const name = wanted?.name ?? this.samples.find((one) => one === FIRST) ?? this.samples[0];
        if (name === undefined) return;
        await this.#open({ kind: 'sample', name }, { kind: 'sample', name }, null);
      }
      const { program = null, bytes = null } = wanted ?? {};
      if (program !== null && program !== this.name && this.object) await this.#choose(program);
      if (bytes !== null && this.input) this.setInput({ ...this.input, data: bytesOf(bytes) });
      await this.#run();
    });
  }

  async openSample(name: string): Promise<void> {
    await this.#work(() => this.#openSample(name));
  }

  async #openSample(name: string): Promise<void> {
    if (await this.#open({ kind: 'sample', name }, { kind: 'sample', name }, null)) await this.#run();
  }

  /** A person's own object. What is wrong with it is shown; the one before stays open in the VM, and is not shown. */
  async openFile(file: File): Promise<void> {
    await this.#work(async () => {
      if (file.size > LARGEST_OBJECT) {
        this.#clear({ kind: 'file', name: file.name, bytes: new Uint8Array() });
        this.objectFault = { message: `${file.name}: ${file.size} bytes; ${LARGEST_OBJECT} is the limit.`, program: null, instruction: null };
        return;
      }
      const bytes = new Uint8Array(await file.arrayBuffer());
      await this.#open({ kind: 'file', name: file.name, bytes }, { kind: 'bytes', bytes }, null);
    });
  }

  /** Assembles the text and checks what it became; faults leave the program as it was before, without its run. */
  async useText(text: string): Promise<void> {
    this.text = text;
    const result = assemble(text);
    if ('faults' in result) {
      this.textFaults = result.faults;
      // Of a text that is no more.
      this.#forgetRun();
      if (this.origin?.kind !== 'text') this.#clear({ kind: 'text' });
      return;
    }
    this.textFaults = [];
    const { object, program, lines } = result.assembly;
    await this.#work(async () => {
      await this.#open({ kind: 'text' }, { kind: 'bytes', bytes: object }, { name: program, lines });
    });
  }

  /** The text as it was left. */
  async openText(): Promise<void> {
    await this.useText(this.text);
  }

  /** The program that is open, as text to change. */
  async editAsText(): Promise<void> {
    const { program, spec, object } = this;
    if (!program || !spec || !object) return;
    await this.#work(async () => {
      const maps = await Promise.all(object.spec.maps.map(async (map) => ({ ...map, bytes: map.name.startsWith('.') ? await this.#api.bytesOf(map.name) : null })));
      const text = assemblyText(spec, maps, program.rows);
      await this.useText(text);
    });
  }

  async chooseProgram(name: string): Promise<void> {
    await this.#work(() => this.#choose(name));
  }

  /** Loads the object anew with a constant rewritten; null: as the object has it. */
  async rewrite(name: string, value: Uint8Array | null): Promise<void> {
    const { origin, name: program } = this;
    const opened = this.#opened;
    if (!origin || !opened) return;
    const rewritten = Object.fromEntries([...Object.entries(this.rewritten).filter(([other]) => other !== name), ...(value ? [[name, value] as const] : [])].sort(([a], [b]) => (a < b ? -1 : 1)));
    await this.#work(async () => {
      if (!(await this.#open(origin, { ...opened.source, constants: rewritten }, opened.text)) && !this.object) return;
      this.rewritten = rewritten;
      if (program !== null && program !== this.name) await this.#choose(program);
      await this.#run();
    });
  }

  setInput(input: ProgramInput): void {
    this.input = input;
    this.#forgetRun();
  }

  async run(): Promise<void> {
    if (this.inputWrong) return;
    await this.#work(() => this.#run());
  }

  /** To a place of the run; what is outside of it is its nearest end. */
  seek(place: number): void {
    if (!this.trace) return;
    this.place = Math.min(this.trace.end, Math.max(0, place));
    const { access } = this;
    if (access) void this.#follow(access).catch((error: unknown) => this.#failed(error));
  }

  /** To the map access before or behind. */
  seekAccess(direction: 1 | -1): void {
    const { trace, place } = this;
    if (!trace) return;
    const places = trace.run.accesses.map(({ atInstruction }) => atInstruction - 1);
    this.seek(direction === 1 ? (places.find((one) => one > place) ?? trace.end) : (places.findLast((one) => one < place) ?? 0));
  }

  /** To where the run comes next to this slot of the program that runs; behind the last time, to the first. */
  seekSlot(slot: number): void {
    const { trace, place } = this;
    const program = trace?.program(place) ?? '';
    const found = trace?.findSlot(program, slot, place, 1) ?? trace?.findSlot(program, slot, -1, 1) ?? null;
    if (found !== null) this.seek(found);
  }

  async showMap(name: string, from = 0): Promise<void> {
    await this.#work(() => this.#showMap(name, from));
  }

  /** Returns whether it went well. */
  async putEntry(key: Uint8Array, value: Uint8Array): Promise<boolean> {
    return this.#change((map) => this.#api.put(map, key, value), key);
  }

  async removeEntry(key: Uint8Array): Promise<boolean> {
    return this.#change((map) => this.#api.remove(map, key), null);
  }

  async clearMap(): Promise<boolean> {
    return this.#change((map) => this.#api.clear(map), null);
  }

  /** Maps, clock and random numbers as they were when the object was opened. */
  async reset(): Promise<void> {
    await this.#work(async () => {
      const outcome = await this.#api.reset();
      if ('value' in outcome) this.object = outcome.value;
      this.#forgetRun();
      this.runs = 0;
      await this.#showMaps();
    });
  }

  async #open(origin: Origin, source: Parameters<ProgramsApi['open']>[0], text: { readonly name: string; readonly lines: Int32Array } | null): Promise<boolean> {
    const turn = ++this.#turn;
    const before = this.spec && this.input ? { kind: programKind(this.spec.type), input: this.input } : null;
    const outcome = await this.#api.open(source);
    if (turn !== this.#turn) return false;
    // The list was not had where its call was ended.
    if (this.samples.length === 0) this.samples = await this.#api.samples();
    this.#clear(origin);
    this.#opened = { source, text };
    if ('fault' in outcome) {
      this.objectFault = outcome.fault;
      return false;
    }
    this.object = outcome.value;
    this.textLines = text?.lines ?? null;
    this.maps = outcome.value.maps;
    const first = firstProgram(outcome.value);
    if (first && outcome.value.fault === null) await this.#choose(first.name, text ? before : null);
    else this.name = first?.name ?? null;
    if (outcome.value.fault === null) await this.#showMaps();
    return this.runnable;
  }

  async #choose(name: string, before: { readonly kind: string; readonly input: ProgramInput } | null = null): Promise<void> {
    const turn = ++this.#turn;
    const kept = this.spec && this.input ? { kind: programKind(this.spec.type), input: this.input } : before;
    const outcome = await this.#api.program(name);
    if (turn !== this.#turn) return;
    this.name = name;
    this.#forgetRun();
    if ('fault' in outcome) {
      this.program = null;
      this.objectFault = outcome.fault;
      return;
    }
    this.program = outcome.value;
    const { example } = outcome.value;
    this.input = kept && kept.kind === programKind(this.spec?.type ?? '') ? kept.input : example;
  }

  async #run(): Promise<void> {
    const { name, input, program } = this;
    if (name === null || !input || !program || !this.runnable) return;
    const turn = ++this.#turn;
    const outcome = await this.#api.run(name, input);
    if (turn !== this.#turn) return;
    this.#forgetRun();
    if ('fault' in outcome) this.runFault = outcome.fault;
    else {
      this.runs += 1;
      this.trace = new RunTrace(outcome.value);
      const [first] = outcome.value.accesses;
      // Held at the first look-up: there the map is worth a look.
      this.place = first ? first.atInstruction - 1 : 0;
    }
    await this.#showMaps();
  }

  /** The map that an access is about, at its entry. */
  async #follow({ map, key }: ProgramAccess): Promise<void> {
    const at = await this.#api.find(map, key);
    const from = at === null ? 0 : Math.max(0, at - BEFORE);
    const shown = this.window;
    // Where the entry is in view already, nothing jumps.
    if (this.mapName === map && shown && at !== null && at >= shown.from && at < shown.from + shown.shown.rows.length) return;
    await this.#showMap(map, from);
  }

  async #showMaps(): Promise<void> {
    this.maps = await this.#api.maps();
    if (this.access) {
      this.window = null;
      await this.#follow(this.access);
      return;
    }
    const kept = this.maps.find(({ name }) => name === this.mapName) ?? this.maps[0];
    if (kept) await this.#showMap(kept.name, this.mapName === kept.name ? (this.window?.from ?? 0) : 0);
  }

  async #showMap(name: string, from: number): Promise<void> {
    const turn = ++this.#mapTurn;
    const outcome = await this.#api.map(name, from, MAP_ROWS);
    if (turn !== this.#mapTurn) return;
    this.mapName = name;
    this.mapFault = null;
    if ('fault' in outcome) {
      this.window = null;
      this.mapFault = outcome.fault;
    } else this.window = { from, shown: outcome.value };
  }

  async #change(change: (map: string) => Promise<Outcome<unknown>>, key: Uint8Array | null): Promise<boolean> {
    const { mapName } = this;
    if (mapName === null) return false;
    let well = false;
    await this.#work(async () => {
      const outcome = await change(mapName);
      if ('fault' in outcome) {
        this.mapFault = outcome.fault;
        return;
      }
      well = true;
      this.maps = await this.#api.maps();
      const at = key ? await this.#api.find(mapName, key) : null;
      await this.#showMap(mapName, at === null ? (this.window?.from ?? 0) : Math.max(0, at - BEFORE));
    });
    return well;
  }

  #clear(origin: Origin): void {
    this.origin = origin;
    if (origin.kind !== 'text') this.textFaults = [];
    this.object = null;
    this.objectFault = null;
    this.name = null;
    this.program = null;
    this.textLines = null;
    this.rewritten = {};
    this.runs = 0;
    this.maps = [];
    this.mapName = null;
    this.window = null;
    this.mapFault = null;
    this.#forgetRun();
  }

  #forgetRun(): void {
    this.trace = null;
    this.runFault = null;
    this.place = 0;
  }

  async #work(body: () => Promise<void>): Promise<void> {
    this.#underWay += 1;
    this.busy = true;
    this.failure = null;
    try {
      await body();
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#underWay -= 1;
      this.busy = this.#underWay > 0;
    }
  }

  #failed(error: unknown): void {
    const failure = asSimulationError(error);
    // Ended for another object: that one says what it has to say itself.
    if (failure.key !== 'client_cancelled') this.failure = failure;
  }
}
