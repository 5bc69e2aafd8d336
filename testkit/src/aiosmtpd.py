"""aiosmtpd as a program would embed it: `FOLDER PORT TLS_PORT USER PASSWORD`.

Each mail becomes a file in FOLDER/mail: a line of JSON with the envelope, then its octets.
"""

import asyncio
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

folder, port, tls_port, user, password = sys.argv[1:]
taken = 0


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == "refused@example.org":
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        global taken
        taken += 1
        line = json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos})
        part = os.path.join(folder, "part")
        with open(part, "wb") as file:
            file.write(line.encode() + b"\n" + envelope.original_content)
        os.rename(part, os.path.join(folder, "mail", str(taken)))
        return f"250 2.0.0 OK: number {taken}"


def who(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and data == LoginPassword(user.encode(), password.encode())
    return AuthResult(success=good, handled=good)


async def main():
    loop = asyncio.get_running_loop()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"))

    def make(**more):
        return SMTP(Handler(), enable_SMTPUTF8=True, hostname="mx.example.net", authenticator=who, **more)

    def wrapped():
        # Of TLS from the first octet aiosmtpd knows nothing.
        return make(auth_require_tls=False, auth_required=True)

    await loop.create_server(lambda: make(tls_context=tls), "127.0.0.1", int(port))
    await loop.create_server(wrapped, "127.0.0.1", int(tls_port), ssl=tls)
    await asyncio.Event().wait()


asyncio.run(main())
