import { deflateSync, Inflate, strFromU8, strToU8 } from 'fflate';

/** In MB: far beyond what an address can hold, and as much as a cluster's own text comes to. Files may be larger. */
const LIMIT_MB = 20;
const LIMIT = LIMIT_MB * 1_000_000;
/** Compressed bytes given to the inflater at a time: what a small link can unfold to is seen before it has. */
const STEP = 1024;

/** A text, deflated and in base64url, with the checksum of the text. JSON's escapes keep even half of a surrogate pair. */
export function packText(text: string): { readonly packed: string; readonly sum: string } {
  return packBytes(strToU8(JSON.stringify(text)));
}

/** The same of bytes. */
export function packBytes(bytes: Uint8Array): { readonly packed: string; readonly sum: string } {
  return { packed: toBase64Url(deflateSync(bytes, { level: 9 })), sum: checksum(bytes) };
}

type Unreadable = { readonly error: 'corrupted' } | { readonly error: 'too-large'; readonly limit: number };
export type Unpacked = { readonly text: string } | Unreadable;

export function unpackBytes(packed: string, sum: string): { readonly bytes: Uint8Array } | Unreadable {
  const compressed = fromBase64Url(packed);
  if (!compressed) return { error: 'corrupted' };
  const bytes = inflate(compressed);
  if (bytes === null) return { error: 'corrupted' };
  if (bytes === 'too-large') return { error: 'too-large', limit: LIMIT_MB };
  return checksum(bytes) === sum ? { bytes } : { error: 'corrupted' };
}

export function unpackText(packed: string, sum: string): Unpacked {
  const unpacked = unpackBytes(packed, sum);
  if ('error' in unpacked) return unpacked;
  try {
    const text: unknown = JSON.parse(strFromU8(unpacked.bytes));
    return typeof text === 'string' ? { text } : { error: 'corrupted' };
  } catch {
    return { error: 'corrupted' };
  }
}

function inflate(compressed: Uint8Array): Uint8Array | 'too-large' | null {
  const parts: Uint8Array[] = [];
  let size = 0;
  let ended = false;
  const inflater = new Inflate((part, isLast) => {
    parts.push(part);
    size += part.length;
    ended = isLast;
  });
  try {
    for (let at = 0; at < compressed.length; at += STEP) {
      inflater.push(compressed.subarray(at, at + STEP), at + STEP >= compressed.length);
      if (size > LIMIT) return 'too-large';
    }
  } catch {
    // fflate throws a code of its own for each way in which the bytes are no deflate stream.
    return null;
  }
  if (!ended) return null;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** FNV-1a, 32 bits, as eight hexadecimal digits: deflate has no checksum, and a changed letter may still inflate. */
function checksum(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

function toBase64Url(bytes: Uint8Array): string {
  // In pieces: an argument list has a largest length.
  let binary = '';
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64Url(text: string): Uint8Array | null {
  if (text === '' || !/^[\w-]+$/.test(text) || text.length % 4 === 1) return null;
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
