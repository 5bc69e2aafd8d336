// nodemailer's pool: `FOLDER ORDER`, mails in FOLDER, figures on stdout: microseconds on the wall and of the processor.
import { readFileSync } from 'node:fs';
import { createTransport } from 'nodemailer';

const [folder, text] = process.argv.slice(2);
const order = JSON.parse(text);
const pool = Array.from({ length: 32 }, (_, n) => readFileSync(`${folder}/${n}.eml`));
const envelope = { from: 'bench@example.com', to: ['sink@example.org'] };
const transport = createTransport({
  host: '127.0.0.1',
  port: order.port,
  secure: order.ca !== null,
  ignoreTLS: order.ca === null,
  tls: order.ca === null ? {} : { ca: readFileSync(order.ca), servername: 'localhost' },
  auth: order.user === null ? undefined : { user: order.user[0], pass: order.user[1] },
  pool: true,
  maxConnections: order.connections,
  maxMessages: Infinity,
});

const send = async (count) => {
  let next = 0;
  // two for each connection, so that none waits for us
  const work = async () => {
    while (next < count) await transport.sendMail({ envelope, raw: pool[next++ % pool.length] });
  };
  await Promise.all(Array.from({ length: 2 * order.connections }, work));
};

await send(order.warm);
const [begin, before] = [process.hrtime.bigint(), process.cpuUsage()];
await send(order.count);
const used = process.cpuUsage(before);
console.log(Number(process.hrtime.bigint() - begin) / 1000, used.user + used.system);
transport.close();
