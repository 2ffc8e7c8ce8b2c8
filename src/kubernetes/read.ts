import { keyOf, type ClusterObject } from './change.ts';
import type { Fault } from './fault.ts';
import { checkObject, nameOf, serviceOf } from './reading/check-object.ts';
import { firstCharacter, textOf, type Chunk } from './reading/chunk.ts';
import { error, note, shown, type Finding, type Path } from './reading/finding.ts';
import { hintOf, nameHint } from './reading/kind-hint.ts';
import { LineIndex } from './reading/line-index.ts';
import { notACluster, startOf } from './reading/not-a-cluster.ts';
import { Locator, parseChunk, type Parsed } from './reading/parse-chunk.ts';
import { isRecord } from './reading/shape.ts';
import { GROUPS, isReadKind } from './reading/shapes.ts';
import { splitYaml } from './reading/split-yaml.ts';

/** What a text held. */
export interface ClusterReading {
  /** Lines of the text. */
  readonly lines: number;
  /** In the text's order. Their fields are checked: nothing that reads them can trip. */
  readonly objects: readonly ClusterObject[];
  /** The line that each of `objects` begins on, from 1. */
  readonly objectLines: readonly number[];
  /** Objects of kinds that no datapath reads, by kind. */
  readonly ignored: Readonly<Record<string, number>>;
  /** In the text's order. */
  readonly faults: readonly Fault[];
}

/** An object's text, and where in it the object stands: items of a list within a chunk have a path. */
interface Place {
  readonly chunk: Chunk;
  readonly path: Path;
}

/** Lists within lists are nobody's output. */
const MOST_NESTED_LISTS = 3;
/** Objects whose faults get a place of their own, which costs a second parse; further ones get their object's. */
const MOST_LOCATED = 1000;

/**
 * Reads Services, EndpointSlices, Pods, Nodes, NetworkPolicies and Namespaces as kubectl prints them: YAML of several documents or a List, JSON of
 * one object, a List, or values after one another. Other kinds are counted. What is wrong is left out and said, and the
 * rest is read; nothing is thrown. `progress` goes from 0 to 1.
 */
export function readCluster(text: string, progress?: (done: number) => void): ClusterReading {
  const reader = new Reader(text);
  reader.read(progress);
  return reader.result();
}

class Reader {
  readonly #text: string;
  readonly #index: LineIndex;
  readonly #objects: ClusterObject[] = [];
  readonly #objectLines: number[] = [];
  readonly #places: Place[] = [];
  readonly #ignored = new Map<string, number>();
  readonly #faults: Fault[] = [];
  /** Kind and key of each object taken, and its line. */
  readonly #seen = new Map<string, number>();
  /** Names of objects left out. */
  readonly #leftOut = new Set<string>();
  /** `10.96.0.1:80/TCP`, and the Service that has it. */
  readonly #addresses = new Map<string, string>();
  #located = 0;
  #locator: { readonly chunk: Chunk; readonly locator: Locator } | null = null;

  constructor(text: string) {
    this.#text = text;
    this.#index = new LineIndex(text);
  }

  read(progress?: (done: number) => void): void {
    const start = startOf(this.#text);
    const nothing = notACluster(this.#text.slice(start));
    if (nothing) {
      this.#faultAt(start, nothing, null);
      return;
    }
    const { chunks, faults } = splitYaml(this.#text, start);
    for (const { offset, message, values } of faults) this.#faultAt(offset, error(message, [], values), null);
    chunks.forEach((chunk, index) => {
      if (index % 256 === 0) progress?.(index / chunks.length);
      this.#readChunk(chunk);
    });
    this.#checkTogether();
  }

  result(): ClusterReading {
    return {
      lines: this.#index.lines,
      objects: this.#objects,
      objectLines: this.#objectLines,
      ignored: Object.fromEntries(this.#ignored),
      faults: this.#faults.sort((a, b) => a.line - b.line || a.column - b.column),
    };
  }

  #readChunk(chunk: Chunk): void {
    const text = textOf(this.#text, chunk);
    if (text.trim() === '') {
      if (chunk.cut) this.#cutOff(chunk, null);
      return;
    }
    const hint = chunk.format === 'yaml' ? hintOf(text) : { kind: null, apiVersion: null };
    if (chunk.role === 'object' && !chunk.cut && hint.kind !== null && !isReadKind(hint.kind) && !hint.kind.endsWith('List')) {
      this.#ignore(hint.kind, hint.apiVersion, chunk);
      return;
    }
    const parsed = parseChunk(text, chunk.format);
    if (!('value' in parsed)) this.#unparsable(chunk, text, parsed);
    else if (chunk.cut) this.#cutOff(chunk, parsed.value);
    else if (chunk.role === 'object' && parsed.value !== null && parsed.value !== undefined) this.#readValue(parsed.value, { chunk, path: [] }, chunk.listKind, 0);
  }

  #unparsable(chunk: Chunk, text: string, fault: Exclude<Parsed, { value: unknown }>): void {
    const name = chunk.format === 'yaml' && chunk.role === 'object' ? nameHint(text) : null;
    if (name !== null) this.#leftOut.add(name);
    const { message, values, offset } = fault;
    const isLast = chunk.end === this.#text.length && !text.slice(offset).trimEnd().includes('\n');
    const at = offset === 0 ? firstCharacter(this.#text, chunk) : chunk.start + offset;
    if (message === 'fault_yaml' && (chunk.cut || isLast)) this.#faultAt(chunk.cut ? lastCharacter(this.#text, chunk) : at, error('fault_cut', [], values), name);
    else this.#faultAt(at, error(message, [], values), name);
  }

  /** The last object before the text's end may be half of one, however well it parses. */
  #cutOff(chunk: Chunk, value: unknown): void {
    const kind = isRecord(value) ? value['kind'] : undefined;
    const name = typeof kind === 'string' && isReadKind(kind) ? nameOf(value, kind) : null;
    if (name !== null) this.#leftOut.add(name);
    this.#faultAt(lastCharacter(this.#text, chunk), error('fault_cut_list', []), name);
  }

  #readValue(value: unknown, place: Place, listKind: string | null, nested: number): void {
    if (!isRecord(value)) {
      if (Array.isArray(value) && nested < MOST_NESTED_LISTS) this.#readItems(value, place, null, nested);
      else this.#fault(place, error('fault_not_object', [], { found: shown(value) }), null);
      return;
    }
    const said = value['kind'];
    const kind = typeof said === 'string' && said !== '' ? said : listKind?.endsWith('List') === true && listKind !== 'List' ? listKind.slice(0, -'List'.length) : null;
    if (kind === null) {
      this.#fault(place, error('fault_no_kind', [], { found: shown(Object.keys(value).join(', ')) }), null);
      return;
    }
    if (kind.endsWith('List') && Array.isArray(value['items']) && nested < MOST_NESTED_LISTS) {
      this.#readItems(value['items'], { ...place, path: [...place.path, 'items'] }, kind, nested);
      return;
    }
    const apiVersion = typeof value['apiVersion'] === 'string' ? value['apiVersion'] : null;
    if (!isReadKind(kind) || (apiVersion !== null && groupOf(apiVersion) !== GROUPS[kind])) {
      this.#ignore(kind, apiVersion, place.chunk);
      return;
    }
    const { object, findings } = checkObject(value, kind);
    const name = nameOf(value, kind);
    const all = object ? [...findings, ...this.#against(object, name)] : findings;
    this.#report(place, all, name);
    if (!object || all.some(({ severity }) => severity === 'error')) {
      this.#leftOut.add(name);
      return;
    }
    this.#take(object, name, place);
  }

  #readItems(items: readonly unknown[], place: Place, listKind: string | null, nested: number): void {
    items.forEach((item, index) => this.#readValue(item, { ...place, path: [...place.path, index] }, listKind, nested + 1));
  }

  /** What is wrong with an object for those taken before it. */
  #against(object: ClusterObject, name: string): Finding[] {
    const line = this.#seen.get(name);
    if (line !== undefined) return [error('fault_twice', ['metadata', 'name'], { first: line })];
    if (object.kind !== 'Service') return [];
    for (const frontend of frontendsOf(object)) {
      const owner = this.#addresses.get(frontend);
      if (owner !== undefined) return [error('fault_address_taken', ['spec', 'clusterIP'], { found: frontend, owner })];
    }
    return [];
  }

  #take(object: ClusterObject, name: string, place: Place): void {
    this.#objects.push(object);
    this.#places.push(place);
    const { line } = this.#index.at(this.#offsetOf(place.chunk, place.path));
    this.#objectLines.push(line);
    this.#seen.set(name, line);
    if (object.kind === 'Service') for (const frontend of frontendsOf(object)) this.#addresses.set(frontend, keyOf(object));
  }

  #ignore(kind: string, apiVersion: string | null, chunk: Chunk): void {
    const group = apiVersion === null ? '' : groupOf(apiVersion);
    const name = isReadKind(kind) ? `${kind} (${group})` : shown(kind);
    const count = this.#ignored.get(name) ?? 0;
    if (kind === 'Endpoints' && count === 0) this.#faultAt(firstCharacter(this.#text, chunk), note('fault_endpoints', []), null);
    this.#ignored.set(name, count + 1);
  }

  /** What only all objects together show. */
  #checkTogether(): void {
    let services = 0;
    let slices = 0;
    this.#objects.forEach((object, index) => {
      if (object.kind === 'Service') services += 1;
      if (object.kind !== 'EndpointSlice') return;
      slices += 1;
      const service = serviceOf(object);
      const place = this.#places[index];
      if (service === null || !place || this.#seen.has(`Service ${service}`) || this.#leftOut.has(`Service ${service}`)) return;
      this.#fault(place, note('fault_no_service', ['metadata', 'labels', 'kubernetes.io/service-name'], { service }), nameOf(object, 'EndpointSlice'));
    });
    const isSliceLeftOut = [...this.#leftOut].some((name) => name.startsWith('EndpointSlice '));
    const isServiceLeftOut = [...this.#leftOut].some((name) => name.startsWith('Service '));
    // Whom a policy is about, the pods' own labels say.
    const hasPolicy = this.#objects.some(({ kind }) => kind === 'NetworkPolicy');
    if (hasPolicy && !this.#objects.some(({ kind }) => kind === 'Pod')) this.#faultAt(startOf(this.#text), note('fault_no_pods', []), null);
    if (services > 0 && slices === 0 && !isSliceLeftOut) this.#faultAt(startOf(this.#text), note('fault_no_slices', []), null);
    if (services === 0 && !isServiceLeftOut && !this.#faults.some(({ severity }) => severity === 'error')) this.#faultAt(startOf(this.#text), note('fault_no_services', []), null);
  }

  #fault(place: Place, finding: Finding, name: string | null): void {
    this.#report(place, [finding], name);
  }

  #report({ chunk, path }: Place, findings: readonly Finding[], name: string | null): void {
    if (findings.length === 0) return;
    const whole = firstCharacter(this.#text, chunk);
    const isLocated = this.#located++ < MOST_LOCATED;
    for (const finding of findings) this.#faultAt(isLocated ? this.#offsetOf(chunk, [...path, ...finding.path]) : whole, finding, name);
  }

  #faultAt(offset: number, { severity, message, values }: Omit<Finding, 'path'>, object: string | null): void {
    this.#faults.push({ severity, message, values, ...this.#index.at(offset), object });
  }

  #offsetOf(chunk: Chunk, path: Path): number {
    if (path.length === 0) return firstCharacter(this.#text, chunk);
    // Many objects may share a chunk, one after the other.
    if (this.#locator?.chunk !== chunk) this.#locator = { chunk, locator: new Locator(textOf(this.#text, chunk)) };
    return chunk.start + this.#locator.locator.find(path);
  }
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.lastIndexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

function lastCharacter(text: string, { start, end }: Chunk): number {
  return Math.max(start, start + text.slice(start, end).trimEnd().length - 1);
}

/** The IPv4 addresses and ports that are this Service's alone. */
function frontendsOf({ spec }: Extract<ClusterObject, { kind: 'Service' }>): string[] {
  if (spec?.type === 'ExternalName' || spec?.clusterIP === 'None') return [];
  const addresses = new Set([spec?.clusterIP ?? '', ...(spec?.clusterIPs ?? [])]);
  return [...addresses].flatMap((address) => (spec?.ports ?? []).map(({ port, protocol = 'TCP' }) => `${address}:${port}/${protocol}`));
}

/** A Service as a list of what was read shows it. */
export interface ServiceSummary {
  /** `namespace/name`. */
  readonly name: string;
  /** Its cluster IP, `None` where it is headless, or the external name. */
  readonly address: string;
  /** In its IPv4 slices, ready or not. */
  readonly endpoints: number;
  readonly line: number;
}

/** The Services of a reading with their endpoints, in the text's order, and all IPv4 endpoints. */
export function summarize({ objects, objectLines }: ClusterReading): { readonly services: readonly ServiceSummary[]; readonly endpoints: number; readonly policies?: number } {
  const counts = new Map<string, number>();
  let endpoints = 0;
  for (const object of objects) {
    if (object.kind !== 'EndpointSlice' || object.addressType !== 'IPv4') continue;
    const service = serviceOf(object) ?? '';
    counts.set(service, (counts.get(service) ?? 0) + object.endpoints.length);
    endpoints += object.endpoints.length;
  }
  const services = objects.flatMap((object, index): ServiceSummary[] => {
    if (object.kind !== 'Service') return [];
    const { spec } = object;
    const address = spec?.type === 'ExternalName' ? (spec.externalName ?? '') : (spec?.clusterIP ?? '');
    return [{ name: keyOf(object), address, endpoints: counts.get(keyOf(object)) ?? 0, line: objectLines[index] ?? 1 }];
  });
  const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy').length;
  return { services, endpoints, ...(policies > 0 ? { policies } : {}) };
}
