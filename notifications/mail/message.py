"""A mail as it travels: headers, both texts, attachments."""

from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import HeaderParser
from email.utils import formatdate, parseaddr
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from notifications.mail.facts import Recipient
from notifications.mail.letters import Mail

#: How an encoded word begins.
_ENCODED = "=?"


class Refused(Exception):
    """Nobody takes this mail, however often one tries."""


def compose(id_: UUID, sender: str, recipient: Recipient, mail: Mail) -> EmailMessage:
    """`sender`: an address, or `Name <address>`. Raises Refused."""
    to = _address(recipient)
    message = _head(id_, sender, to, mail)
    if not _is_whole(message):  # the library folds some long names wrongly: the address is enough
        message = _head(id_, sender, Address("", to.username, to.domain), mail)
        if not _is_whole(message):
            raise Refused("The subject or the address could be taken for other headers.")
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    for attachment in mail.attachments:
        main, _, sub = attachment.content_type.partition("/")
        message.add_attachment(attachment.content, maintype=main, subtype=sub, filename=attachment.name)
    return message


def _head(id_: UUID, sender: str, to: Address, mail: Mail) -> EmailMessage:
    name, address = parseaddr(sender)
    from_ = Address(name, addr_spec=address)
    message = EmailMessage()
    message["From"] = from_
    message["To"] = to
    message["Subject"] = one_line(mail.subject)
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = f"<{id_}@{from_.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.reply_to is not None:
        message["Reply-To"] = Address(addr_spec=mail.reply_to)
    if mail.unsubscribe_url is not None:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        if mail.unsubscribe_url.startswith("https:"):  # RFC 8058, section 3.1
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return message


def _is_whole(message: EmailMessage) -> bool:
    """Whether a reader finds these headers and no others, to this address alone, whatever the library makes of them."""
    to = message["To"].addresses[0].addr_spec
    for travelling in (policy.SMTP, policy.SMTPUTF8) if to.isascii() else (policy.SMTPUTF8,):
        sent = HeaderParser(policy=policy.default).parsestr(message.as_bytes(policy=travelling).decode())
        addresses = [address.addr_spec for address in sent["To"].addresses]
        if sent.keys() != message.keys() or addresses != [to]:
            return False
    return True


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
