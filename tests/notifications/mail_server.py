"""`python -m tests.notifications.mail_server PORT FILE`: an SMTP server that appends what it takes to a file, a JSON object a line.

What it does with a recipient, the address says: it takes `refused@`, `gone@` (which does not exist), `policy@` and `full@` never,
`later@` at the second try; for `dropped@` it cuts the connection at the first try; `slow@` takes a second. It takes nothing from
the sender `unwanted@`."""

import asyncio
import json
import sys
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

#: Of a mail, from the sender `small@`.
MOST_BYTES = 200_000


class Handler:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._tries: dict[str, int] = {}

    async def handle_MAIL(  # noqa: N802 - its name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("unwanted@"):
            return "553 Sender not allowed"
        sizes = [int(option.partition("=")[2]) for option in options if option.upper().startswith("SIZE=")]
        if address.startswith("small@") and max(sizes, default=0) > MOST_BYTES:
            return "552 Message exceeds fixed maximum message size"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - its name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._tries[address] = self._tries.get(address, 0) + 1
        first = self._tries[address] == 1
        if address.startswith("refused@"):
            return f"550 <{address}> is unknown here"
        if address.startswith("gone@"):
            return f"550 5.1.1 <{address}> does not exist"
        if address.startswith("full@"):
            return "452 4.2.2 Mailbox full"
        if address.startswith("policy@"):
            return "550 5.7.1 Relaying denied"
        if address.startswith("later@") and first:
            return "451 Try again later"
        if address.startswith("slow@"):
            await asyncio.sleep(1)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        (recipient,) = envelope.rcpt_tos
        if recipient.startswith("dropped@") and self._tries[recipient] == 1:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "421 Closed"
        assert isinstance(envelope.content, bytes)
        with self._file.open("a") as file:
            file.write(json.dumps({"to": recipient, **_read(envelope.content)}) + "\n")
        return "250 OK"


def _read(content: bytes) -> dict[str, Any]:
    message = message_from_bytes(content, policy=policy.default)
    plain = message.get_body(("plain",))
    assert plain is not None
    return {
        "id": message["Message-ID"],
        "subject": message["Subject"],
        "header_to": message["To"],
        "from": message["From"],
        "text": plain.get_content(),
        "reply_to": message["Reply-To"],
        "unsubscribe": [message["List-Unsubscribe"], message["List-Unsubscribe-Post"]],
        "attachments": [part.get_filename() for part in message.iter_attachments()],
    }


async def main(port: int, file: Path) -> None:
    handler = Handler(file)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
