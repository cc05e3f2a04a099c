"""What people type: text without what no database, terminal or page can take.

    Name = Annotated[str, Text(200)]
    Description = Annotated[str, Text(5_000, at_least=0, lines=True)]

Refused, with a message and never a crash: control characters (Unicode Cc, so NUL too; newline and tab are welcome in `lines`),
lone surrogates (pydantic's own check), and what is too short or too long. Outer blanks are taken off before anything is counted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
#: RFC 5321: what fits into a path.
MAX_EMAIL = 254

_CONTROL = r"\x00-\x1f\x7f-\x9f"
_CONTROL_IN_LINES = r"\x00-\x08\x0b-\x1f\x7f-\x9f"


@dataclass(frozen=True)
class Text:
    """Annotates a `str`: its length in characters, whether it may have several lines, whether outer blanks count (passwords)."""

    at_most: int
    at_least: int = 1
    lines: bool = False
    strip: bool = True

    @property
    def _control(self) -> str:
        return _CONTROL_IN_LINES if self.lines else _CONTROL

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        control = re.compile(f"[{self._control}]")

        def check(text: str) -> str:
            if control.search(text):
                raise PydanticCustomError("control_character", "Text may not contain control characters")
            return text

        plain = core_schema.str_schema(strip_whitespace=self.strip, min_length=self.at_least, max_length=self.at_most)
        return core_schema.no_info_after_validator_function(check, plain)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The pattern says all of it, so that what is made from the schema is accepted."""
        json_schema = dict(handler(schema))
        inner = f"[^{self._control}]*"
        json_schema["pattern"] = rf"^{inner}[^\s{self._control}]{inner}$" if self.strip and self.at_least else f"^{inner}$"
        return json_schema


def _email(text: str) -> str:
    try:
        address = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise PydanticCustomError("email", "This is not an e-mail address: {reason}", {"reason": str(error)}) from None
    if len(address.normalized) > MAX_EMAIL:
        raise PydanticCustomError("email", "This e-mail address is too long")
    return address.normalized.lower()


_EMAIL_SCHEMA: Mapping[str, Any] = {"type": "string", "format": "email", "minLength": 3, "maxLength": MAX_EMAIL}

#: An e-mail address in the one spelling that is stored, compared and counted: normalized and lower-cased. No DNS is asked.
Email = Annotated[str, Text(MAX_EMAIL, at_least=3), AfterValidator(_email), WithJsonSchema(dict(_EMAIL_SCHEMA))]


_PHONE = r"\+?\(?[0-9](?:[ ()./-]{0,2}[0-9]){3,14}"


def _phone(text: str) -> str:
    if not re.fullmatch(_PHONE, text):
        raise PydanticCustomError("phone", "This is not a phone number, such as +49 30 1234567")
    return text


#: As people write it: 4 to 15 digits (15 by ITU-T E.164), with blanks, brackets, dots, slashes or dashes between them.
Phone = Annotated[
    str, Text(40), AfterValidator(_phone), WithJsonSchema({"type": "string", "pattern": f"^{_PHONE}$", "examples": ["+49 30 123"]})
]


def _time(given: Any) -> Any:
    if isinstance(given, datetime) or (isinstance(given, str) and _DATE.match(given)):
        return given
    raise ValueError("must be a time such as 2031-05-01T19:00:00Z")


#: A time is written out: a number would be taken for seconds or for milliseconds, whichever looks likelier.
Time = Annotated[datetime, BeforeValidator(_time)]
