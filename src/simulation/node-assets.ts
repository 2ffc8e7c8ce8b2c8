import { readdirSync, readFileSync } from 'node:fs';
import type { DatapathAssets } from '../datapaths/assets.ts';
import { SimulationError } from './simulation-error.ts';

/** The same built files from the disk, for a terminal and for tests. */
export function readAssets(): DatapathAssets {
  const wasm = read('../../wasm/pkg/', '_bg.wasm');
  const [bytes] = Object.values(wasm);
  if (!bytes) throw new SimulationError('client_assets', { file: 'wasm/pkg/*_bg.wasm' });
  return { wasm: bytes, objects: read('../../bpf-samples/', '.bpf.o') };
}

/** The folder's files with that ending, by the rest of their names. */
function read(folder: string, ending: string): Record<string, Uint8Array<ArrayBuffer>> {
  const at = new URL(folder, import.meta.url);
  let names: string[];
  try {
    names = readdirSync(at);
  } catch {
    throw new SimulationError('client_assets', { file: `${folder.replace(/^(\.\.\/)+/, '')}*${ending}` });
  }
  return Object.fromEntries(names.filter((name) => name.endsWith(ending)).map((name) => [name.slice(0, -ending.length), new Uint8Array(readFileSync(new URL(name, at)))]));
}
