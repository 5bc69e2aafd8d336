// Orders on stdin, one a line: first the cases, then [what, case, count]; answers on stdout.
import { createInterface } from 'node:readline';
import MailComposer from 'nodemailer/lib/mail-composer/index.js';
import { convert } from 'html-to-text';

const options = { wordwrap: 78 };
let cases;

const build = (one) =>
  new Promise((resolve, reject) => {
    const mail = {
      from: one.from,
      to: one.to,
      subject: one.subject,
      headers: one.headers,
      html: one.html,
      text: convert(one.html, options),
      attachments: one.files,
    };
    new MailComposer(mail).compile().build((error, bytes) => (error ? reject(error) : resolve(bytes)));
  });

const answer = async (order) => {
  if (!cases) {
    cases = order;
    for (const one of cases)
      one.files = one.files.map((f) => ({ ...f, hex: undefined, content: Buffer.from(f.hex, 'hex') }));
    return 0;
  }
  const [what, index, count] = order;
  if (what === 'show') return (await build(cases[index])).toString('hex');
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) {
    if (what === 'mail') await build(cases[index]);
    else convert(cases[index].html, options);
  }
  const used = process.cpuUsage(before);
  return used.user + used.system;
};

for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await answer(JSON.parse(line))));
