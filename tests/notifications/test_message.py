"""The head of a mail: what strangers typed in begins no header, in whatever disguise."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.mail.facts import Recipient
from notifications.mail.letters import Mail
from notifications.mail.message import Refused, compose

SENDER = "Seatledger <tickets@seats.test>"
HEADERS = ["from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type"]
HOSTILE = [
    "=?utf-8?Q?x=0D=0AReply-To:_evil@evil.test=0D=0AContent-Type:_text/html=0D=0A=0D=0A<h1>Pay</h1><!--?=",
    "=?utf-8?B?DQpCY2M6IHhAeS50ZXN0?=",
    "=?utf-8?Q?x=0D=0ABcc:_a@evil.test?= =?utf-8?Q?=0D=0AX-Evil:_1?=",
    "=?utf-8*en?Q?x=0D=0ABcc:_a@evil.test?=",
    "==?utf-8?Q?x=0D=0ABcc:_a@evil.test?=",
    "=?=?utf-8?Q?x=0D=0ABcc:_a@evil.test?=",
    "=\u200b?utf-8?Q?x=0D=0ABcc:_a@evil.test?=",
    "= ?utf-8?Q?x=0D=0ABcc:_a@evil.test?=",
    "=\r\n?utf-8?Q?x=0D=0ABcc:_a@evil.test?=",
    "=?iso-8859-1?q?=2E=2E_=E2=80=AEtset?=",
    "Eve\r\nBcc: all@evil.test",
    'Eve"\r\nBcc: all@evil.test',
    "W" * 300,
    "中" * 200,
]


def received(name: str, subject: str, address: str = "eve@example.test") -> EmailMessage:
    composed = compose(uuid4(), SENDER, Recipient(name, address), Mail(subject, "text", "<p>text</p>"))
    assert composed.is_international is not address.isascii()
    message = message_from_bytes(composed.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def check(message: EmailMessage, address: str = "eve@example.test") -> None:
    assert sorted(name.lower() for name in message.keys()) == sorted(HEADERS)  # noqa: SIM118 - a message has a key twice
    assert [one.addr_spec for one in message["To"].addresses] == [address]
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert not {"\r", "\n", "\u202e"} & set(f"{message['To'].addresses[0].display_name}{message['Subject']}")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_begins_a_header(text: str) -> None:
    check(received(text, "Your ticket"))
    check(received("Eve", f"Your ticket for {text}"))


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_generated_text_begins_a_header(name: str, subject: str) -> None:
    check(received(name, subject))


PIECES = st.sampled_from(
    [
        "=?", "?=", "?Q?", "?B?", "utf-8", "=0D=0A", "DQpCY2M6IHg=", "Bcc:", "_x@y.test", " ", "\r\n", "=", "?", "\u200b", "é", '"',
        "<", ",",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14).map("".join), st.lists(PIECES, max_size=14).map("".join))
def test_no_pieces_of_encoded_words_begin_a_header(name: str, subject: str) -> None:
    check(received(name, subject))


DISGUISED = [
    "=?utf-8?q?x=0d=0areply-to=3aa=40evil.test=0d=0ax?=@x.test", "=?utf-8?q?a=40b.test=2cc?=@x.test", "a=?b@x.test", "é=?x@x.test",
]  # fmt: skip


@pytest.mark.parametrize("address", DISGUISED)
def test_address_in_disguise_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        received("Eve", "Your ticket", address)


@pytest.mark.parametrize("name", ["Ærøskøbing, Žofie", 'Eve "the" Great', "a=b?c", "山田太郎"])
def test_names_arrive_as_they_were_typed(name: str) -> None:
    message = received(name, name)
    assert (message["To"].addresses[0].display_name, message["Subject"]) == (name, name)


#: Names of which the standard library makes no header.
UNWRITABLE = [":" + "x" * 80, "Dr." + "x" * 80 + "Group:;", "x" * 70 + ":;"]


@pytest.mark.parametrize("name", UNWRITABLE)
def test_name_that_can_not_be_written_keeps_no_mail_back(name: str) -> None:
    check(received(name, "Your ticket"))


WILD = st.text(st.sampled_from('x.,:;<>@()[]"\\ =?_é中 '), max_size=120)


@given(WILD)
def test_no_name_keeps_a_mail_back(name: str) -> None:
    check(received(name, "Your ticket"))


def test_reply_to_that_is_not_ascii_keeps_no_mail_back() -> None:
    mail = Mail("Subject", "text", "<p>text</p>", reply_to="jürgen@example.test")
    for address in ("eve@example.test", "éve@example.test"):
        composed = compose(uuid4(), SENDER, Recipient("Eve", address), mail)
        assert b"Reply-To" not in composed.content
