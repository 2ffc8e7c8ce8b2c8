import type { Direction } from './connection.ts';
import type { Skb } from './skb.ts';
import { ACK, add, after, before, RST, segmentEnd, SR, SS, type TcpTracking } from './tcp-states.ts';

/** All segments carry this window and no option. */
export const WINDOW = 65535;
const MAX_ACK_WINDOW = 66000;

/** tcp_in_window. What is below the window is a late copy: let through, without a trace. What is above is invalid. */
export function windowPlace(tcp: TcpTracking, skb: Skb, direction: Direction, index: number): 'inside' | 'ignore' | 'invalid' {
  const sender = tcp.seen[direction];
  const receiver = tcp.seen[direction === 0 ? 1 : 0];
  let sequence = skb.sequence;
  let ack = skb.acknowledgement;
  let end = segmentEnd(skb);
  const syn = skb.hasFlag('SYN');
  const hasAck = skb.hasFlag('ACK');

  if (sender.maxWindow === 0) {
    sender.end = end;
    sender.maxWindow = WINDOW;
    if (syn) {
      sender.maxEnd = end;
      if (!hasAck) return 'inside';
    } else {
      sender.maxEnd = add(end, WINDOW);
      if (receiver.maxWindow === 0) {
        receiver.end = ack;
        receiver.maxEnd = ack;
      } else if (ack === add(receiver.end, 1)) {
        receiver.end = ack;
      }
    }
  } else if (syn && after(end, sender.end) && (tcp.state === SS || tcp.state === SR)) {
    sender.end = end;
    sender.maxEnd = end;
    sender.maxWindow = WINDOW;
    if (direction === 1 && !hasAck) return 'inside';
  }
  if (!hasAck || (index === RST && ack === 0)) ack = receiver.end;
  if (index === RST && sequence === 0 && tcp.state === SS) {
    sequence = sender.end;
    end = sender.end;
  }
  const ackIsLate = !after(ack, receiver.end - Math.max(sender.maxWindow, MAX_ACK_WINDOW) - 1);
  const ackIsAhead = !before(ack, add(receiver.end, 1));
  if (!before(sequence, add(sender.maxEnd, 1))) {
    const overshot = (end - sender.maxEnd + 1) >>> 0;
    const received = receiver.maxWindow !== 0 && after(end, sender.end - receiver.maxWindow - 1);
    // It sends more than the receiver offered: if that is acknowledged, the rest must fit.
    if (received && !ackIsLate && overshot <= receiver.maxWindow && !ackIsAhead) {
      sender.end = end;
      sender.unacknowledged = true;
      return sender.liberal ? 'inside' : 'ignore';
    }
    return sender.liberal ? 'inside' : 'invalid';
  }
  if (ackIsAhead) return sender.liberal ? 'inside' : 'invalid';
  if (receiver.maxWindow !== 0 && !after(end, sender.end - receiver.maxWindow - 1)) return sender.liberal ? 'inside' : 'ignore';
  if (ackIsLate) return sender.liberal ? 'inside' : 'ignore';

  sender.maxWindow = Math.max(sender.maxWindow, WINDOW);
  if (after(end, sender.end)) {
    sender.end = end;
    sender.unacknowledged = true;
  }
  if (hasAck && (!sender.maxAckSet || after(ack, sender.maxAck))) {
    sender.maxAck = ack;
    sender.maxAckSet = true;
  }
  if (receiver.maxWindow !== 0 && after(end, sender.maxEnd)) receiver.maxWindow += (end - sender.maxEnd) >>> 0;
  if (after(add(ack, WINDOW), receiver.maxEnd - 1)) receiver.maxEnd = add(ack, WINDOW);
  if (ack === receiver.end) receiver.unacknowledged = false;
  if (index === ACK) noteRetransmission(tcp, direction, sequence, ack, end);
  return 'inside';
}

function noteRetransmission(tcp: TcpTracking, direction: Direction, sequence: number, ack: number, end: number): void {
  if (tcp.lastDirection === direction && tcp.lastSequence === sequence && tcp.lastAck === ack && tcp.lastEnd === end) {
    tcp.retransmissions += 1;
    return;
  }
  tcp.lastDirection = direction;
  tcp.lastSequence = sequence;
  tcp.lastAck = ack;
  tcp.lastEnd = end;
  tcp.retransmissions = 0;
}
