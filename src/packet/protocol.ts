/** The IP protocols that the datapaths know. Numbers: IANA "Assigned Internet Protocol Numbers". */
export type Protocol = 'TCP' | 'UDP' | 'SCTP' | 'ICMP';

export const PROTOCOL_NUMBER = { ICMP: 1, TCP: 6, UDP: 17, SCTP: 132 } as const satisfies Record<Protocol, number>;

/** The name of a protocol number; `undefined` for one that no datapath here knows. */
export function protocolOf(number: number): Protocol | undefined {
  switch (number) {
    case 1:
      return 'ICMP';
    case 6:
      return 'TCP';
    case 17:
      return 'UDP';
    case 132:
      return 'SCTP';
    default:
      return undefined;
  }
}
