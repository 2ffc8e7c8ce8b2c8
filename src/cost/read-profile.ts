import { COUNTERS } from '../datapaths/work.ts';
import type { Figure, Point, Profile, UpdatePoint } from './profile.ts';

/** A profile that is none, with the place in it that is wrong. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';
  readonly place: string;

  constructor(place: string, sentence: string) {
    super(`${place}: ${sentence}`);
    this.place = place;
  }
}

const STAGE_KINDS = ['way-in', 'way-out', 'conntrack', 'chain', 'confirm', 'route', 'program', 'map', 'redirect', 'answer'];
const UPDATE_KINDS = ['render', 'parse', 'fetch', 'rebuild', 'check', 'replace', 'commit', 'write'];
const COUNTER_NAMES: readonly string[] = COUNTERS;

type Fields = Readonly<Record<string, unknown>>;

/** Checks what was read from a profile's JSON. Throws `ProfileError`. */
export function readProfile(value: unknown): Profile {
  const profile = fields(value, 'profile');
  if (profile.version !== 1) throw new ProfileError('version', `This is version ${String(profile.version)}; this page reads version 1.`);
  for (const name of ['id', 'kernel', 'processor', 'date', 'setup', 'command']) text(profile[name], name);
  oneOf(profile.backend, ['legacy', 'nft'], 'backend');
  prices(profile, '');
  prices(fields(profile.update, 'update'), 'update.');
  list(profile.points, 'points').forEach((point, index) => checkPoint(point, `points[${index}]`));
  list(profile.updatePoints, 'updatePoints').forEach((point, index) => checkUpdatePoint(point, `updatePoints[${index}]`));
  return value as Profile;
}

function prices(owner: Fields, at: '' | 'update.'): void {
  for (const [counter, figure] of Object.entries(fields(owner.units, `${at}units`))) {
    const place = `${at}units.${counter}`;
    if (!COUNTER_NAMES.includes(counter) && !counter.startsWith('helper:')) throw new ProfileError(place, 'Nothing is counted under this name.');
    range(fields(figure, place), place);
  }
  for (const [kind, figure] of Object.entries(fields(owner.fixed, `${at}fixed`))) {
    const place = `${at}fixed.${kind}`;
    oneOf(kind, at === '' ? STAGE_KINDS : UPDATE_KINDS, place);
    range(fields(figure, place), place);
  }
}

function checkPoint(value: unknown, place: string): void {
  const point = fields(value, place) as Fields & Partial<Point>;
  oneOf(point.datapath, ['iptables', 'ebpf', 'none'], place);
  oneOf(point.connection, ['new', 'established'], place);
  number(point.services, 0, place);
  number(point.position, -1, place);
  range(point, place);
}

function checkUpdatePoint(value: unknown, place: string): void {
  const point = fields(value, place) as Fields & Partial<UpdatePoint>;
  oneOf(point.datapath, ['iptables', 'ebpf'], place);
  oneOf(point.kind, point.mark === 'published' ? ['full', 'partial', 'unstated'] : ['full', 'partial'], place);
  number(point.services, 0, place);
  range(point, place);
}

/** A number with its range, mark and source. */
function range(figure: Fields & Partial<Figure>, place: string): void {
  const ns = number(figure.ns, 0, place);
  if (number(figure.low, 0, place) > ns || ns > number(figure.high, 0, place)) throw new ProfileError(place, 'Its value is not within its range.');
  oneOf(figure.mark, ['measured', 'published'], place);
  text(figure.source, place);
}

function fields(value: unknown, place: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ProfileError(place, 'Here an object is expected.');
  return value as Fields;
}

function list(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new ProfileError(place, 'Here a list is expected.');
  return value;
}

function text(value: unknown, place: string): void {
  if (typeof value !== 'string' || value.trim() === '') throw new ProfileError(place, 'Here a text is expected, and there is none.');
}

function number(value: unknown, least: number, place: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least) throw new ProfileError(place, `Here a number from ${least} up is expected.`);
  return value;
}

function oneOf(value: unknown, allowed: readonly string[], place: string): void {
  if (typeof value !== 'string' || !allowed.includes(value)) throw new ProfileError(place, `${String(value)} is none of ${allowed.join(', ')}.`);
}
