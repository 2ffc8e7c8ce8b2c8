import { createContext } from 'svelte';
import type { AttachHook } from '../../datapaths/ebpf/attached/attachment.ts';

/** Takes a person's program away from a hook of lane B: the mark stands deep in the lane, and the scene above it. */
export const [getDetach, setDetach] = createContext<(hook: AttachHook) => void>();
