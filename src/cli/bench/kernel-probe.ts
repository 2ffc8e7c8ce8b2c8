import { createSocket, type Socket } from 'node:dgram';
import { median } from './median.ts';

/*
 * Runs in a network namespace that holds the rules: first packets of UDP flows to the Services given as `address:port`,
 * each by a socket of its own, so that nat goes through its rules for each. Prints the median time of the send call for
 * each Service, in ns, one line each.
 */
const [rounds = '', ...services] = process.argv.slice(2);

/** A connected socket sends within the call where nothing is queued: it holds the whole way through the rules. */
async function send(address: string, port: number): Promise<number> {
  const socket: Socket = createSocket('udp4');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.connect(port, address, resolve));
  const start = process.hrtime.bigint();
  socket.send('x');
  const time = Number(process.hrtime.bigint() - start);
  socket.close();
  return time;
}

const times = services.map(() => [] as number[]);
for (let round = 0; round < Number(rounds); round++) {
  for (const [index, service] of services.entries()) {
    const [address = '', port = ''] = service.split(':');
    times[index]?.push(await send(address, Number(port)));
  }
}
for (const each of times) process.stdout.write(`${median(each)}\n`);
