"""Tickets as a PDF: one a page, so that a scanner sees one code, and a phone shows it large. Two pages of A5 print on one of A4."""

import re
import threading
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

import font_roboto
import segno
from fpdf import FPDF
from fpdf.fonts import TTFFont
from fpdf.output import OutputProducer
from msgspec.structs import replace

from notifications.mail.formatting import format_money, format_price, format_times, is_money
from notifications.mail.letters import Occasion, Purchase, Ticket

_WIDTH, _HEIGHT = 148.0, 210.0  # A5, in mm
_MARGIN = 14.0
_INNER = _WIDTH - 2 * _MARGIN
_QR = 66.0
_QUIET = 4  # modules around a code that scanners need
_ACCENT, _TEXT, _DIMMED = (12, 107, 88), (0, 0, 0), (90, 97, 105)
_SMALL, _USUAL, _LARGE = 9.0, 11.5, 21.0  # pt
_LINE_HEIGHT = 0.45  # mm a pt
_PAPER = (_WIDTH, _HEIGHT)

_REPLACEMENT = "\ufffd"
_REPLACED = f"{_REPLACEMENT} stands for a character that can't be printed here."
_MARKS = re.compile("[\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]")  # without a glyph, and not missed

_ASCII = frozenset(range(32, 127)) | frozenset(range(0x2013, 0x2027)) | frozenset(map(ord, "€£¥" + _REPLACEMENT))
_LATIN = _ASCII | frozenset(range(0xA0, 0x180)) | frozenset(range(0x218, 0x21C))
#: A font in the file has all characters of the first of these sets that has the text's: a subset for each file would take ten times
#: the CPU. The last one: all that the font has.
_CHARACTER_SETS: tuple[frozenset[int] | None, ...] = (
    _ASCII,
    _LATIN,
    _LATIN | frozenset(range(0x400, 0x530)),
    _LATIN | frozenset(range(0x370, 0x400)),
    _LATIN | frozenset(range(0x1EA0, 0x1F00)) | frozenset(map(ord, "ƠơƯư")),
    None,
)
#: The fonts of all files are the same objects, numbered anew in each.
_fonts_are_used = threading.Lock()


class _Typeface:
    """Roboto in two weights with one set of characters, and its PDF objects."""

    def __init__(self, characters: frozenset[int] | None) -> None:
        self.fonts = _load_fonts()
        self.characters = characters or _font_characters()
        for font in self.fonts.values():
            for character in sorted(self.characters & font.cmap.keys()):
                font.subset.pick(character)
        self.objects: list[Any] = []
        self.by_index: dict[int, Any] = {}
        blank = _Sheet(self)
        blank.add_page()
        blank.output(output_producer_class=_Output)
        for made in self.objects:
            _remember_text(made)


def _remember_text(made: Any) -> None:
    """Of a PDF object of a font. It depends on the object's number alone, since what it refers to has numbers near it."""
    serialize = made.serialize
    text_for = lru_cache(maxsize=4)(lambda _: serialize())  # numbers depend on how many pages there are
    made.serialize = lambda **_: text_for(made.id)


class _Output(OutputProducer):
    """Writes the fonts of a typeface as they were written before, instead of making a subset of each again."""

    def _add_fonts(self, *resources: Any) -> dict[int, Any]:
        pdf = self.fpdf
        assert isinstance(pdf, _Sheet)
        typeface = pdf.typeface
        if not typeface.objects:
            before = len(self.pdf_objs)
            typeface.by_index = super()._add_fonts(*resources)
            typeface.objects = self.pdf_objs[before:]
        else:
            for made in typeface.objects:
                self._add_pdf_obj(made, "fonts")
        return typeface.by_index


class _Sheet(FPDF):
    def __init__(self, typeface: _Typeface) -> None:
        super().__init__(format=_PAPER)
        self.typeface = typeface
        self.fonts.update(typeface.fonts)
        self.set_auto_page_break(False)
        self.set_margin(0)

    def style(self, size: float, colour: tuple[int, int, int] = _TEXT, *, is_bold: bool = False) -> None:
        self.set_font("Roboto", "B" if is_bold else "", size)
        self.set_text_color(*colour)

    def wrapped(self, text: str, size: float, *, width: float = _INNER, limit: int, is_bold: bool = False) -> list[str]:
        """The text in at most `limit` lines; "…" ends it where it is longer."""
        self.style(size, is_bold=is_bold)
        found = [""]
        for word in text.split():
            if len(found) > limit:
                break
            longer = f"{found[-1]} {word}".lstrip()
            if self.get_string_width(longer) <= width:
                found[-1] = longer
                continue
            if found[-1]:
                found.append("")
            for character in word:  # a word may be longer than the line
                if self.get_string_width(found[-1] + character) > width:
                    found.append("")
                found[-1] += character
        found = [line for line in found if line]
        return found if len(found) <= limit else [*found[: limit - 1], self._cut(found[limit - 1], width)]

    def _cut(self, line: str, width: float) -> str:
        while line and self.get_string_width(f"{line}…") > width:
            line = line[:-1]
        return f"{line.rstrip()}…"

    def write_lines(self, left: float, top: float, written: list[str]) -> float:
        """Returns where they end."""
        for line in written:
            top += self.font_size_pt * _LINE_HEIGHT
            self.text(left, top, line)
        return top

    def draw_code(self, code: str, left: float, top: float, size: float) -> None:
        """A QR code as one path, so that no seams show between its modules. With the quiet zone that scanners need."""
        modules = make_qr(code).matrix
        unit = size * self.k / (len(modules) + 2 * _QUIET)
        rectangles = [f"{column + _QUIET} {row + _QUIET} {length} 1 re" for row, column, length in _runs(modules)]
        matrix = f"{unit:.4f} 0 0 {-unit:.4f} {left * self.k:.4f} {(self.h - top) * self.k:.4f} cm"
        self._out("\n".join(("q", "0 g", matrix, *rectangles, "f", "Q")))


def draw_tickets(booking: Purchase, occasion: Occasion, holder: str, made_at: datetime) -> bytes:
    """A PDF with a page for each ticket that is not cancelled; the same for the same arguments. `holder`: the customer's name,
    which may be empty. A character that the font lacks is printed as a replacement character, and a note says so."""
    title = f"{occasion.name}, booking no. {booking.number}"
    occasion = replace(occasion, name=printable(occasion.name), venue=printable(occasion.venue))
    holder = printable(holder)
    categories = {ticket.category: printable(ticket.category) for ticket in booking.active}
    with _fonts_are_used:
        pdf = _Sheet(_typeface_for([occasion.name, occasion.venue, holder, *categories.values()]))
        pdf.set_title(title)
        pdf.set_lang("en")
        pdf.set_creation_date(made_at)
        page = _Page(pdf, booking, occasion, holder)
        for ticket in booking.active:
            page.draw(ticket, categories[ticket.category])
        return bytes(pdf.output(output_producer_class=_Output))


class _Page:
    """What the pages of a file have in common is wrapped once."""

    def __init__(self, pdf: _Sheet, booking: Purchase, occasion: Occasion, holder: str) -> None:
        self._pdf, self._booking = pdf, booking
        self._name = pdf.wrapped(occasion.name, _LARGE, limit=3, is_bold=True)
        self._times = [line for time in format_times(occasion) for line in pdf.wrapped(time, _USUAL, limit=2)]
        self._venue = pdf.wrapped(occasion.venue, _USUAL, limit=2)
        self._holder = pdf.wrapped(holder, _USUAL, width=_INNER / 3, limit=2)
        self._categories: dict[str, list[str]] = {}
        self._is_replaced = _REPLACEMENT in occasion.name + occasion.venue + holder

    def draw(self, ticket: Ticket, category: str) -> None:
        pdf, booking = self._pdf, self._booking
        pdf.add_page()
        pdf.set_fill_color(*_ACCENT)
        pdf.rect(0, 0, _WIDTH, 4, style="F")
        self._draw_event(ticket)
        if category not in self._categories:
            self._categories[category] = pdf.wrapped(category, _USUAL, width=_INNER / 3 - 2, limit=2, is_bold=True)
        price = pdf.wrapped(format_price(ticket.price, booking.currency), _USUAL, width=_INNER / 3 - 2, limit=2)
        top = 90.0
        self._draw_fact(0, top, "Category", self._categories[category], is_bold=True)
        self._draw_fact(1, top, "Price", price)
        if self._holder:
            self._draw_fact(2, top, "Name", self._holder)
        pdf.draw_code(ticket.code, (_WIDTH - _QR) / 2, 110, _QR)
        pdf.style(_USUAL)
        self._centre(183, ticket.code)
        pdf.style(_SMALL, _DIMMED)
        self._centre(191, "Show this code at the entrance, on your phone or printed.")
        if self._is_replaced or _REPLACEMENT in category:
            self._centre(197, _REPLACED)
        if is_money(booking.due):
            pdf.style(_SMALL, is_bold=True)
            self._centre(
                203, f"Not paid yet: {format_money(booking.due, booking.currency)} for this booking are due at the box office."
            )

    def _draw_event(self, ticket: Ticket) -> None:
        pdf, booking = self._pdf, self._booking
        pdf.style(_USUAL, _ACCENT, is_bold=True)
        pdf.text(_MARGIN, 17, f"Ticket {ticket.number} of {len(booking.tickets)}")
        pdf.style(_SMALL, _DIMMED)
        number = f"Booking no. {booking.number}"
        pdf.text(_WIDTH - _MARGIN - pdf.get_string_width(number), 17, number)
        pdf.style(_LARGE, is_bold=True)
        top = pdf.write_lines(_MARGIN, 21, self._name) + 3
        pdf.style(_USUAL)
        top = pdf.write_lines(_MARGIN, top, self._times) + 1
        pdf.write_lines(_MARGIN, top, self._venue)
        pdf.set_draw_color(188, 217, 208)
        pdf.set_line_width(0.5)
        pdf.set_dash_pattern(dash=2, gap=1.5)
        pdf.line(_MARGIN, 87, _WIDTH - _MARGIN, 87)
        pdf.set_dash_pattern()

    def _draw_fact(self, column: int, top: float, label: str, value: list[str], *, is_bold: bool = False) -> None:
        left = _MARGIN + column * _INNER / 3
        self._pdf.style(_SMALL, _DIMMED)
        self._pdf.write_lines(left, top, [label])
        self._pdf.style(_USUAL, is_bold=is_bold)
        self._pdf.write_lines(left, top + 5, value)

    def _centre(self, top: float, text: str) -> None:
        self._pdf.text((_WIDTH - self._pdf.get_string_width(text)) / 2, top, text)


def printable(text: str) -> str:
    """The text in characters that the font has: in their compatible form where only that is there, or else replaced."""
    known = _font_characters()
    return "".join(_printable_character(one, known) for one in _MARKS.sub("", unicodedata.normalize("NFC", text)))


def _printable_character(character: str, known: frozenset[int]) -> str:
    if ord(character) in known:
        return character
    if character.isspace():
        return " "
    compatible = unicodedata.normalize("NFKC", character)
    return compatible if all(ord(one) in known for one in compatible) else _REPLACEMENT


def make_qr(code: str) -> segno.QRCode:
    """With a fixed mask: to compare all eight takes half of the time of a whole mail, and the codes of tickets look random."""
    return segno.make_qr(code, error="m", boost_error=False, mask=0)


def _runs(modules: Sequence[bytearray]) -> Iterable[tuple[int, int, int]]:
    """Row, column and length of each run of dark modules: 1 is dark."""
    for number, row in enumerate(modules):
        for run in re.finditer(b"\x01+", row):
            yield number, run.start(), run.end() - run.start()


@cache
def _font_characters() -> frozenset[int]:
    """The characters that both weights have."""
    fonts = _load_fonts()
    for font in fonts.values():
        font.close()
    both = frozenset.intersection(*(frozenset(font.cmap) for font in fonts.values()))
    return frozenset(character for character in both if unicodedata.category(chr(character)) != "Cc")


def _load_fonts() -> dict[str, TTFFont]:
    pdf = FPDF(format=_PAPER)
    pdf.add_font("Roboto", "", font_roboto.Roboto)
    pdf.add_font("Roboto", "B", font_roboto.RobotoBold)
    return {name: font for name, font in pdf.fonts.items() if isinstance(font, TTFFont)}


def _typeface_for(texts: Iterable[str]) -> _Typeface:
    needed = frozenset(map(ord, "".join(texts)))
    return _typeface(next(number for number, have in enumerate(_CHARACTER_SETS) if have is None or needed <= have))


@lru_cache(maxsize=len(_CHARACTER_SETS))
def _typeface(number: int) -> _Typeface:
    return _Typeface(_CHARACTER_SETS[number])
