import { readdirSync, readFileSync } from 'node:fs';
import type { Profile } from '../cost/profile.ts';
import type { ProfileSource } from './profile-source.ts';

/** The same profiles from the disk, for a terminal; `ids` in the order of their names. */
export function nodeProfiles(): ProfileSource & { readonly ids: readonly string[] } {
  const folder = new URL('../cost/profiles/', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith('.json')).sort();
  const profiles = names.map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Profile);
  return { ids: profiles.map(({ id }) => id), find: (id) => profiles.find((profile) => profile.id === id) };
}
