/** `system`: whatever the device says. */
export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

// The same key as in index.html, which sets the theme before anything is drawn.
const KEY = 'chain-vs-map-theme';

/** The theme chosen last. A browser that keeps nothing has the device's. */
export function storedTheme(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === stored) ?? 'system';
  } catch {
    return 'system';
  }
}

/** What is drawn: the person's choice, or what the device says. */
export type DrawnTheme = Exclude<Theme, 'system'>;

const DARK = '(prefers-color-scheme: dark)';

/** What the device says now. */
export function deviceTheme(): DrawnTheme {
  return matchMedia(DARK).matches ? 'dark' : 'light';
}

/** Tells whenever the device says something else. Returns how to stop that. */
export function followDevice(tell: (theme: DrawnTheme) => void): () => void {
  const query = matchMedia(DARK);
  const changed = () => tell(deviceTheme());
  query.addEventListener('change', changed);
  return () => query.removeEventListener('change', changed);
}

/** Keeps the choice for the next visit. */
export function keepTheme(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Not kept for the next visit; shown all the same.
  }
}
