import type { Profile } from '../../cost/profile.ts';

/** The other backend's profile from the same machine: only such times may stand on one chart as its second line. */
export function otherBackend(profile: Profile, profiles: readonly Profile[]): Profile | null {
  return profiles.find((one) => one.backend !== profile.backend && one.kernel === profile.kernel && one.processor === profile.processor && one.setup === profile.setup)
    ?? profiles.find((one) => one.backend !== profile.backend && one.kernel === profile.kernel && one.processor === profile.processor)
    ?? null;
}
