import type { Direction } from './connection.ts';

/** A conntrack zone (`nf_conntrack_zone`): connections of different zones may look alike. It may hold for one direction alone. */
export interface Zone {
  readonly id: number;
  readonly original: boolean;
  readonly reply: boolean;
}

/** What CT asks for (`-j CT --zone`); `fromMark`: the packet's mark is the zone's number. */
export interface ZoneTemplate extends Zone {
  readonly fromMark: boolean;
}

export const DEFAULT_ZONE: Zone = { id: 0, original: true, reply: true };

/** The zone that holds in a direction; 0 where it says nothing of it. */
export function zoneId(zone: Zone, direction: Direction): number {
  return (direction === 0 ? zone.original : zone.reply) ? zone.id : 0;
}

/** The zone of a packet that CT gave a template; without one the zone that all have. */
export function zoneOf(template: ZoneTemplate | null, mark: number): Zone {
  if (template === null) return DEFAULT_ZONE;
  return template.fromMark ? { ...template, id: mark & 0xffff } : template;
}
