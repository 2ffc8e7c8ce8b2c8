import { layOut } from './bytes.ts';
import { MAP } from './layout.ts';

/** The map of one pod's policies, by the pod's number: `cilium_policy_v2_00012`. */
export function policyMapName(endpointId: number): string {
  return `${MAP.policy}_${String(endpointId).padStart(5, '0')}`;
}

/** What stands for such a map in a write to `cilium_ep_to_policy`: the pod's number, where the kernel wants a descriptor. */
export function policyMapReference(endpointId: number): Uint8Array {
  return layOut(4, (view) => {
    view.setUint32(0, endpointId, true);
  });
}

export function referredPolicyMap(value: Uint8Array): string {
  return policyMapName(new DataView(value.buffer, value.byteOffset).getUint32(0, true));
}
