import type { Profile } from '../cost/profile.ts';
import type { ProfileSource } from './profile-source.ts';

const PROFILES = import.meta.glob<Profile>('../cost/profiles/*.json', { import: 'default', eager: true });

/** The profiles that the page was built with. */
export function pageProfiles(): ProfileSource {
  const profiles = Object.values(PROFILES);
  return { find: (id) => profiles.find((profile) => profile.id === id) };
}
