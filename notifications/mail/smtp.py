"""Sending mail to an SMTP server, by the standard library. One connection carries many mails."""

import re
import smtplib
import ssl
from contextlib import suppress
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit
from uuid import UUID

from ledger.client_address import is_loopback
from notifications.mail.facts import Recipient
from notifications.mail.letters import Mail
from notifications.mail.message import Refused, compose, one_line

#: The bound of connecting, and of each reply of the server.
SECONDS = 15.0
#: The reply about a mail that is larger than the server takes (RFC 1870).
TOO_LARGE = 552
_PORTS = {"smtp": 587, "smtps": 465}
#: A mail server limits what it takes by one connection.
MAILS_PER_CONNECTION = 100


#: Replies to a recipient that mean the mailbox, if their enhanced status code (RFC 3463) says that it is the address that is wrong:
#: no such mailbox, system or syntax, moved, no mail accepted. Without one, or with another, it may be a policy, or our own server
#: that relays nothing today: that says nothing about the address.
_NO_MAILBOX = (550, 551, 553)
_NO_ADDRESS = re.compile(rb"\s*5\.1\.(1|2|3|6|10)\b")


class ServerUnavailable(Exception):
    """Nothing can be sent at the moment: no connection, no TLS, or the log-in was refused."""


class Bounced(Refused):
    """There is no such address, its server says."""


class Deferred(Exception):
    """The server takes this mail later, if at all; or it fell silent while it took it, and nobody knows."""


class Smtp:
    """`smtp://user:password@host:port`, with STARTTLS if the server offers it, which it must unless it is on this machine; or
    `smtps://`. Certificates are verified. Not for several threads."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self._is_tls = parts.scheme == "smtps"
        self._host, self._port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender, self._from = sender, parseaddr(sender)[1]
        self._connection: smtplib.SMTP | None = None
        self._sent = 0

    def send(self, id_: UUID, recipient: Recipient, mail: Mail) -> None:
        """Raises ServerUnavailable, Deferred, Refused."""
        composed = compose(id_, self._sender, recipient, mail)
        if self._connection is None or self._sent >= MAILS_PER_CONNECTION:
            self.close()
            self._connection, self._sent = self._connect(), 0
        if composed.is_international and not self._connection.has_extn("smtputf8"):
            raise Refused("The server takes no such address: it does not offer SMTPUTF8.")
        self._sent += 1
        try:
            options = ("SMTPUTF8", "BODY=8BITMIME") if composed.is_international else ()
            self._connection.sendmail(self._from, [recipient.address], composed.content, options)
        except smtplib.SMTPRecipientsRefused as error:
            code, reply = error.recipients[recipient.address]
            self._reset()
            kind = Bounced if code in _NO_MAILBOX and _NO_ADDRESS.match(reply) else _refusal(code)
            raise kind(_sentence(code, reply, recipient)) from error
        except smtplib.SMTPSenderRefused as error:
            if error.smtp_code == TOO_LARGE:  # for this server, which is told the size with the sender
                self._reset()
                raise Refused(_sentence(error.smtp_code, error.smtp_error, recipient)) from error
            self.close()  # the operator's fault, for each mail alike: they wait until it is mended
            raise ServerUnavailable(f"MAIL_FROM is refused: {_sentence(error.smtp_code, error.smtp_error)}") from error
        except smtplib.SMTPResponseException as error:
            self._reset()
            raise _refusal(error.smtp_code)(_sentence(error.smtp_code, error.smtp_error, recipient)) from error
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise Deferred(f"The connection was lost while it was sent: {error}") from error

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()
            connection.close()

    def _reset(self) -> None:
        """Each mail begins anew, whatever became of the one before."""
        try:
            if self._connection is not None:
                self._connection.rset()
        except (smtplib.SMTPException, OSError):
            self.close()

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        try:
            if self._is_tls:
                connection: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=SECONDS, context=context)
            else:
                connection = smtplib.SMTP(self._host, self._port, timeout=SECONDS)
        except (smtplib.SMTPException, OSError) as error:
            raise ServerUnavailable(f"{self._host}:{self._port} can't be reached: {error}") from error
        try:
            connection.ehlo_or_helo_if_needed()
            if not self._is_tls:
                self._start_tls(connection, context)
            if self._user:
                connection.login(self._user, self._password)
        except (smtplib.SMTPException, OSError) as error:
            connection.close()
            raise ServerUnavailable(f"{self._host}:{self._port} refuses: {_describe(error)}") from error
        return connection

    def _start_tls(self, connection: smtplib.SMTP, context: ssl.SSLContext) -> None:
        if connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
        elif not is_loopback(self._host):
            raise smtplib.SMTPNotSupportedError("it offers no STARTTLS, and mails with tickets are not sent in clear text")


def _refusal(code: int) -> type[Deferred] | type[Refused]:
    return Refused if 500 <= code < 600 else Deferred


def _sentence(code: int, reply: bytes | str, recipient: Recipient | None = None) -> str:
    """The reply of the server, bounded, and without the address: it is stored, and no address is stored but with its account."""
    sentence = one_line(f"{code} {reply.decode(errors='replace') if isinstance(reply, bytes) else reply}")
    if recipient is not None:
        sentence = re.sub(re.escape(recipient.address), "…", sentence, flags=re.IGNORECASE)
    return sentence[:300]


def _describe(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _sentence(error.smtp_code, error.smtp_error)
    return one_line(str(error))[:300]
