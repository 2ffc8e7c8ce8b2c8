import legacy from './profiles/legacy.json';
import nft from './profiles/nft.json';
import type { Profile } from './profile.ts';
import { readProfile } from './read-profile.ts';

/** The profiles that the lab measured, with the published figures beside them; the first is the one to begin with. */
export const PROFILES: readonly Profile[] = [readProfile(legacy), readProfile(nft)];

/** By its id; undefined: there is none. */
export function findProfile(id: string): Profile | undefined {
  return PROFILES.find((profile) => profile.id === id);
}
