import type { DatapathAssets } from '../datapaths/assets.ts';
import { SimulationError } from './simulation-error.ts';

// Addresses only; never data: URLs, which a strict connect-src would refuse.
const WASM = import.meta.glob<string>('../../wasm/pkg/*_bg.wasm', { query: '?url&no-inline', import: 'default', eager: true });
const OBJECTS = import.meta.glob<string>('../../bpf-samples/*.bpf.o', { query: '?url&no-inline', import: 'default', eager: true });

/** Fetches the built files from the page's own origin. */
export async function fetchAssets(): Promise<DatapathAssets> {
  const [wasm] = Object.values(WASM);
  if (wasm === undefined) throw new SimulationError('client_assets', { file: 'wasm' });
  const [bytes, ...objects] = await Promise.all([
    fetchBytes(wasm),
    ...Object.entries(OBJECTS).map(async ([path, url]) => [baseName(path), await fetchBytes(url)] as const),
  ]);
  return { wasm: bytes, objects: Object.fromEntries(objects) };
}

/** `../../bpf-samples/from_container.bpf.o` gives `from_container`. */
function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.bpf\.o$/, '');
}

async function fetchBytes(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const file = url.slice(url.lastIndexOf('/') + 1);
  try {
    const response = await fetch(url);
    if (!response.ok) throw new SimulationError('client_assets', { file });
    return new Uint8Array(await response.arrayBuffer());
  } catch {
    throw new SimulationError('client_assets', { file });
  }
}
