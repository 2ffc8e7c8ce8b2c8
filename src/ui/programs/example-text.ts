/** What a person begins with who writes a program: it counts IPv4 packets by protocol, and lets them all pass. */
export const EXAMPLE_TEXT = `.program tc count_protocols
.license GPL
.map packets array key 4 value 8 max 256

  r6 = *(u32 *)(r1 + 76)      ; skb->data
  r7 = *(u32 *)(r1 + 80)      ; skb->data_end
  r2 = r6
  r2 += 34                    ; Ethernet and IPv4 headers
  if r2 > r7 goto out         ; the checker insists on this
  r3 = *(u16 *)(r6 + 12)
  if r3 != 8 goto out         ; ETH_P_IP in network order
  r3 = *(u8 *)(r6 + 23)       ; iphdr.protocol
  *(u32 *)(r10 - 4) = r3
  r2 = r10
  r2 += -4
  r1 = map[packets]
  call map_lookup_elem
  if r0 == 0 goto out
  r1 = 1
  lock *(u64 *)(r0 + 0) += r1
out:
  r0 = 0                      ; TC_ACT_OK
  exit
`;
