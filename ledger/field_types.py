"""Field types of requests, for the write side, the read side and accounts.

    Nickname = Annotated[str, Text(50)]
    Description = Annotated[str, Text(5_000, at_least=0, lines=True)]

Text is refused, with a message, if it has control characters, which some databases, terminals or pages can't take (Unicode Cc,
NUL included; newline and tab are allowed in `lines`), has lone surrogates (pydantic's own check), or is too short or too long.
`lines` are read by people: what they don't see, or what reorders the text, is refused there, too; for names more strictly.
Outer blanks are removed before the length is checked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
#: The longest address that SMTP carries (RFC 5321, 4.5.3.1.3: a path of 256 octets, with its brackets).
MAX_EMAIL = 254

#: Times of Events in later years are typing errors, and some libraries can't count that far.
LAST_YEAR = 9000

_CONTROL = r"\x00-\x1f\x7f-\x9f"
_CONTROL_IN_LINES = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
#: What nobody sees, or what reorders the text around it: with it a name looks like another one, or like none.
_INVISIBLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0"
    r"\ufff0-\ufffb"
)
#: The same in lines, where marks of direction and soft hyphens are of use.
_INVISIBLE_IN_LINES = r"\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"
#: Joiners are part of names in Persian and in scripts of India, and of emoji: after a character that is not ASCII.
_JOINERS = r"\u200c\u200d"
#: Variation selectors are part of emoji, but show nothing by themselves.
_SELECTORS = r"\ufe00-\ufe0f"
_IN_NAME = rf"(?:[^{_CONTROL}{_INVISIBLE}{_JOINERS}]|[^\x00-\x7f{_CONTROL}{_INVISIBLE}{_JOINERS}][{_JOINERS}])*"
_NAME = rf"^{_IN_NAME}[^\s{_CONTROL}{_INVISIBLE}{_JOINERS}{_SELECTORS}]{_IN_NAME}$"
#: Invisible copies of ASCII: only the flags of some regions need them. Not in the pattern: browsers read it in 16-bit units.
_TAGS = re.compile("[\U000e0000-\U000e007f]")


@dataclass(frozen=True)
class Text:
    """Annotates a `str`: bounds of its length in characters, whether it may have several lines, whether outer blanks are removed
    (not those of passwords). `is_name`: without what is invisible or changes the direction of text, or empty."""

    at_most: int
    at_least: int = 1
    lines: bool = False
    strip: bool = True
    is_name: bool = False

    @property
    def _refused(self) -> str:
        return _CONTROL_IN_LINES + _INVISIBLE_IN_LINES if self.lines else _CONTROL

    @property
    def _name(self) -> str:
        return _NAME if self.at_least else f"^$|{_NAME}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        control, refused, name = (re.compile(pattern) for pattern in (f"[{_CONTROL}]", f"[{self._refused}]", self._name))

        def check(text: str) -> str:
            if found := refused.search(text):
                if control.match(found[0]):
                    raise PydanticCustomError("control_character", "Text may not contain control characters")
                raise PydanticCustomError("invisible_character", "Text may not contain invisible characters")
            if self.is_name and (not name.search(text) or _TAGS.search(text)):
                raise PydanticCustomError("invisible_character", "Names may not contain invisible characters")
            return text

        plain = core_schema.str_schema(strip_whitespace=self.strip, min_length=self.at_least, max_length=self.at_most)
        return core_schema.no_info_after_validator_function(check, plain)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Its pattern has all the rules, so that text generated from the schema is accepted."""
        json_schema = dict(handler(schema))
        inner = f"[^{self._refused}]*"
        if self.is_name:
            json_schema["pattern"] = self._name
            return json_schema
        json_schema["pattern"] = rf"^{inner}[^\s{self._refused}]{inner}$" if self.strip and self.at_least else f"^{inner}$"
        return json_schema


def _email(text: str) -> str:
    try:
        address = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise PydanticCustomError("email", "This is not an e-mail address: {reason}", {"reason": str(error)}) from None
    if len(address.normalized) > MAX_EMAIL:
        raise PydanticCustomError("email", "This e-mail address is too long")
    if "=?" in address.normalized:  # as an encoded word begins (RFC 2047), which mail programs decode to something else
        raise PydanticCustomError("email", "This is not an e-mail address that mail can be sent to")
    return address.normalized.lower()


_EMAIL_SCHEMA: Mapping[str, Any] = {"type": "string", "format": "email", "minLength": 3, "maxLength": MAX_EMAIL}

#: An e-mail address in the one spelling that is stored and compared: normalized and lower-cased. Without a DNS lookup.
Email = Annotated[str, Text(MAX_EMAIL, at_least=3), AfterValidator(_email), WithJsonSchema(dict(_EMAIL_SCHEMA))]


_PHONE = r"\+?\(?[0-9](?:[ ()./-]{0,2}[0-9]){3,14}"


def _phone(text: str) -> str:
    if not re.fullmatch(_PHONE, text):
        raise PydanticCustomError("phone", "This is not a phone number, such as +49 30 1234567")
    return text


#: A phone number as people write it: 4 to 15 digits (15 by ITU-T E.164), with blanks, brackets, dots, slashes or dashes between.
Phone = Annotated[
    str, Text(40), AfterValidator(_phone), WithJsonSchema({"type": "string", "pattern": f"^{_PHONE}$", "examples": ["+49 30 123"]})
]


def _time(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise ValueError("must be a time such as 2031-05-01T19:00:00Z")


#: An RFC 3339 time. Not a number, of which pydantic would guess whether it counts seconds or milliseconds.
Time = Annotated[datetime, BeforeValidator(_time)]


def to_utc(time: datetime) -> datetime:
    """A time without an offset is UTC. Raises ValueError if the UTC time is outside of the calendar."""
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside of the calendar") from None


def _event_time(time: datetime) -> datetime:
    if not 1 < time.year <= LAST_YEAR:
        raise ValueError(f"must be between the years 2 and {LAST_YEAR}")
    return to_utc(time)


#: Any time of the calendar, in UTC: for queries.
UtcTime = Annotated[Time, AfterValidator(to_utc)]


def _local_event_time(time: datetime) -> datetime:
    _event_time(time)
    return time if time.tzinfo is None else to_utc(time)


def from_zone(time: datetime, zone: str) -> datetime:
    """A time without an offset in UTC, by the clocks of that IANA zone: where they show it twice, the first. Raises ValueError
    where they never show it."""
    if time.tzinfo is not None:
        return time
    utc = time.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    if utc.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) != time.replace(fold=0):
        raise ValueError(f"does not exist in {zone}, where the clocks go forward then")
    return utc


#: A time of an Event, in UTC, or as its clocks show it where it has no offset (`from_zone`).
LocalEventTime = Annotated[Time, AfterValidator(_local_event_time)]
#: A time of an Event, in UTC: in a year that is stored.
EventTime = Annotated[Time, AfterValidator(_event_time)]
#: A name of a person, an Event or a category.
Name = Annotated[str, Text(200, is_name=True)]
LongText = Annotated[str, Text(10_000, at_least=0, lines=True)]


def _visible(value: Any) -> Any:
    return _HIDDEN.sub("", value) if isinstance(value, str) else value


_HIDDEN = re.compile(f"[{_INVISIBLE_IN_LINES}]")
#: Removes what lines refuse, instead: for the other APIs, whose specifications allow any text.
WithoutHidden = BeforeValidator(_visible)
