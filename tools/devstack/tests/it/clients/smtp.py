"""A mail server for tests: smtp.py PORT none|starttls|implicit [CERTIFICATE KEY USER PASSWORD].

It says its port first, and then each mail that it was given, a JSON object a line. What it answers is told by lines that it is given:
`take`, `recipient CODE` or `data CODE` to refuse, `hang` to take a mail and answer nothing, `late CODE` to answer that once it is told
something else, `silent` to answer nobody. An address that begins with `slow` it looks up for ever.
"""

import asyncio
import json
import logging
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

# At each sign-in it warns of its own old name of what it keeps.
logging.getLogger("mail.log").setLevel(logging.ERROR)

port, protection, *rest = sys.argv[1:]
certificate, key, user, password = (rest + [None] * 4)[:4]


class State:
    """What it is told to answer."""

    def __init__(self):
        self.says = ["take"]


state = State()


def tell(what):
    print(json.dumps(what), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("slow"):
            await asyncio.Event().wait()
        if state.says[0] == "recipient":
            return f"{state.says[1]} <{address}> is not wanted here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        says = state.says
        taken = says[0] in ("take", "hang")
        tell(
            {
                "taken": taken,
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "tls": session.ssl is not None or protection == "implicit",
                "user": session.auth_data.decode() if session.auth_data else None,
                "mail": envelope.content.decode("utf-8", "replace"),
            }
        )
        if says[0] == "hang":
            await asyncio.Event().wait()
        while says[0] == "late" and state.says is says:
            await asyncio.sleep(0.01)
        if not taken:
            return f"{says[1]} not now, {envelope.rcpt_tos[0]}"
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (user.encode(), password.encode())
    result = AuthResult(success=good, handled=not good)
    if good:
        result.auth_data = data.login
        result.handled = True
    else:
        result.handled = False
    return result


async def listen():
    loop = asyncio.get_running_loop()
    context = None
    if protection != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

    def session():
        asked = {}
        if protection == "starttls":
            asked = {"tls_context": context, "require_starttls": True}
        if user:
            asked |= {
                "authenticator": authenticate,
                "auth_required": True,
                "auth_require_tls": protection == "starttls",
            }
        return SMTP(Handler(), hostname="mail.test", loop=loop, **asked)

    class Silent(asyncio.Protocol):
        """Says nothing at all."""

    def protocol():
        return Silent() if state.says[0] == "silent" else session()

    wrapped = context if protection == "implicit" else None
    server = await loop.create_server(protocol, "127.0.0.1", int(port), ssl=wrapped)
    tell({"port": server.sockets[0].getsockname()[1]})
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        state.says = line.decode().split()
        tell({"says": state.says})


asyncio.run(listen())
