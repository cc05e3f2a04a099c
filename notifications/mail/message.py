"""A mail as it travels: headers, both texts, attachments.

The headers of a mail have what strangers typed: the library folds and encodes them by its present policy. Those of its parts are
ours, and written by the library's older one, which does not parse them.
"""

import logging
import quopri
from base64 import encodebytes
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.parser import HeaderParser
from email.utils import formatdate, parseaddr
from typing import NamedTuple
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from notifications.mail.facts import Recipient
from notifications.mail.letters import Attachment, Mail

log = logging.getLogger(__name__)

_BODY_POLICY = policy.compat32.clone(linesep="\r\n")
#: How an encoded word begins.
_ENCODED = "=?"


class Refused(Exception):
    """Nobody takes this mail, however often one tries."""


class Composed(NamedTuple):
    """The bytes that travel. `is_international`: only a server with SMTPUTF8 (RFC 6531) takes them."""

    content: bytes
    is_international: bool


def compose(id_: UUID, sender: str, recipient: Recipient, mail: Mail) -> Composed:
    """`sender`: an address, or `Name <address>`. Raises Refused."""
    to, from_ = _address(recipient), _sender(sender)
    is_international = not f"{to.addr_spec}{from_.addr_spec}".isascii()
    body = _body(mail, id_).as_bytes(policy=_BODY_POLICY)
    for named in (to, Address("", to.username, to.domain)):  # the library folds some long names wrongly: the address is enough
        try:
            head = _head(id_, from_, named, mail)
            written = head.as_bytes(policy=policy.SMTPUTF8 if is_international else policy.SMTP)
            if _is_whole(written, head):
                return Composed(written.removesuffix(b"\r\n") + body, is_international)
        except Exception:
            if named is not to:
                raise
            log.info("A name can't be written into a header; the mail goes to the address alone")
    raise Refused("The subject or the address could be taken for other headers.")


def _head(id_: UUID, from_: Address, to: Address, mail: Mail) -> EmailMessage:
    message = EmailMessage()
    message["From"] = from_
    message["To"] = to
    message["Subject"] = one_line(mail.subject)
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = f"<{id_}@{from_.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.reply_to is not None and mail.reply_to.isascii():  # the library writes no other one correctly
        message["Reply-To"] = Address(addr_spec=mail.reply_to)
    if mail.unsubscribe_url is not None:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        if mail.unsubscribe_url.startswith("https:"):  # RFC 8058, section 3.1
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["MIME-Version"] = "1.0"
    return message


def _is_whole(written: bytes, head: EmailMessage) -> bool:
    """Whether a reader finds these headers and no others, to this address alone, whatever the library has made of them."""
    sent = HeaderParser(policy=policy.default).parsestr(written.decode())
    addresses = [address.addr_spec for address in sent["To"].addresses]
    return sent.keys() == head.keys() and addresses == [head["To"].addresses[0].addr_spec]


def _body(mail: Mail, id_: UUID) -> Message:
    """The texts and what is attached. Its own header, the type, ends the head of the mail."""
    # No line of base64 or quoted-printable contains "=_", and nobody knows the id before.
    texts = _multipart("alternative", f"=_text_{id_.hex}", _text("plain", mail.text), _text("html", mail.html))
    return _multipart("mixed", f"=_{id_.hex}", texts, *map(_attached, mail.attachments)) if mail.attachments else texts


def _multipart(kind: str, boundary: str, *parts: Message) -> Message:
    message = Message()
    message["Content-Type"] = f'multipart/{kind}; boundary="{boundary}"'
    message.set_payload(list(parts))
    return message


def _text(kind: str, text: str) -> Message:
    return _part(f"text/{kind}; charset=utf-8", "quoted-printable", quopri.encodestring(text.encode()).decode())


def _attached(attachment: Attachment) -> Message:
    part = _part(attachment.content_type, "base64", encodebytes(attachment.content).decode())
    part.add_header("Content-Disposition", "attachment", filename=attachment.name)
    return part


def _part(content_type: str, encoding: str, payload: str) -> Message:
    part = Message()
    part["Content-Type"], part["Content-Transfer-Encoding"] = content_type, encoding
    part.set_payload(payload)
    return part


def _sender(sender: str) -> Address:
    name, address = parseaddr(sender)
    return Address(name, addr_spec=address)


def _address(recipient: Recipient) -> Address:
    """Raises Refused."""
    try:
        address = validate_email(recipient.address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise Refused(f"The address is none that mail can be sent to: {error}") from error
    if _ENCODED in address.normalized:
        raise Refused("The address is none that mail can be sent to: it looks like an encoded word.")
    return Address(one_line(recipient.name), address.local_part, address.domain)


def one_line(text: str) -> str:
    """Without line breaks and other controls, each of which would begin another header; nor anything that a mail program, or the
    standard library, would decode to such (RFC 2047)."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line.replace(_ENCODED, "= ?")
