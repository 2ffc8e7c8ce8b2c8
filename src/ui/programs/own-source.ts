const SOURCES = import.meta.glob<string>('../../../bpf-samples/**/*.{c,h}', { query: '?raw', import: 'default' });

/** The text of a source of the project's own objects, by its path from the project's folder; null: there is none. */
export async function ownSource(path: string): Promise<string | null> {
  const load = SOURCES[`../../../${path}`];
  return load ? load() : null;
}
