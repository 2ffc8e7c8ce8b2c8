import type { Profile } from '../cost/profile.ts';

/** Where the simulation finds cost profiles: by the id that a scene names. */
export interface ProfileSource {
  find(id: string): Profile | undefined;
}
