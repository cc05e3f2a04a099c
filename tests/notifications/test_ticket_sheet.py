import re
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from msgspec.structs import replace

from notifications.mail.letters import Purchase
from notifications.mail.ticket_sheet import draw_tickets, make_qr, printable
from tests.notifications.example_letters import CONCERT, MADE_AT, booking, ticket, without

MM = 72 / 25.4


def draw(of: Purchase, holder: str = "Alice Example", name: str = "Concert", venue: str = "City Hall") -> bytes:
    return draw_tickets(of, replace(CONCERT, name=name, venue=venue), holder, MADE_AT)


def streams(pdf: bytes) -> list[bytes]:
    """The compressed streams, in the file's order: pages first, then of each font the characters, their glyphs and the font."""
    found = []
    for made in re.finditer(rb"/Length (\d+)[^>]*>>\s*stream\r?\n", pdf, re.DOTALL):
        content = pdf[made.end() : made.end() + int(made[1])]
        found.append(zlib.decompress(content) if b"FlateDecode" in _dictionary(pdf, made.start()) else content)
    return found


def _dictionary(pdf: bytes, at: int) -> bytes:
    return pdf[pdf.rindex(b"obj", 0, at) : pdf.index(b"stream", at)]


def pages(pdf: bytes) -> list[bytes]:
    return [content for content in streams(pdf) if b" Tf" in content]


def words(pdf: bytes) -> list[list[str]]:
    """The texts of each page, as a reader that copies them gets them."""
    maps = [_characters(content) for content in streams(pdf) if b"begincmap" in content]
    return [list(_texts(page, maps)) for page in pages(pdf)]


def _characters(cmap: bytes) -> dict[int, str]:
    pairs = re.findall(rb"^<([0-9A-F]{4})> <([0-9A-F]+)>$", cmap, re.MULTILINE)
    return {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs}


def _texts(page: bytes, maps: list[dict[int, str]]) -> list[str]:
    texts, characters = [], maps[0]
    for font, text in re.findall(rb"/F(\d) [\d.]+ Tf|\(((?:[^\\()]|\\.)*)\) Tj", page, re.DOTALL):
        if font:
            characters = maps[int(font) - 1]
            continue
        raw = re.sub(rb"\\(.)", lambda escaped: {b"r": b"\r", b"n": b"\n"}.get(escaped[1], escaped[1]), text, flags=re.DOTALL)
        texts.append("".join(characters[int.from_bytes(raw[at : at + 2], "big")] for at in range(0, len(raw), 2)))
    return texts


def test_each_ticket_has_a_page() -> None:
    bought = booking(ticket(1), ticket(2, "VIP", "1250.00"), ticket(3), total="1300.00", number=1_042)
    second = words(draw(bought))[1]
    assert second == [
        "Ticket 2 of 3",
        "Booking no. 1042",
        "Concert",
        "Sat, 28 Nov 2026, 19:00\N{EN DASH}22:30 CET",
        "City Hall",
        "Category",
        "VIP",
        "Price",
        "1,250.00 EUR",
        "Name",
        "Alice Example",
        ticket(2).code,
        "Show this code at the entrance, on your phone or printed.",
    ]


def test_a_ticket_that_is_not_paid_says_so() -> None:
    (page,) = words(draw(booking(ticket(1), due="50.00")))
    assert page[-1] == "Not paid yet: 50.00 EUR for this booking are due at the box office."


def test_cancelled_tickets_have_no_page() -> None:
    pdf = draw(without(booking(ticket(1), ticket(2), ticket(3)), 2, refund="25.00"))
    assert [page[0] for page in words(pdf)] == ["Ticket 1 of 3", "Ticket 3 of 3"]
    assert ticket(2).code not in str(words(pdf))


def test_a_walk_in_has_no_name() -> None:
    assert "Name" not in words(draw(booking(), holder=""))[0]


def test_what_is_drawn_is_the_qr_code_of_the_ticket() -> None:
    for number, page in enumerate(pages(draw(booking())), start=1):
        assert _drawn_modules(page) == _modules(ticket(number).code)


def _modules(code: str) -> set[tuple[int, int]]:
    rows = enumerate(make_qr(code).matrix)
    return {(line, column) for line, row in rows for column, is_dark in enumerate(row) if is_dark}


def _drawn_modules(page: bytes) -> set[tuple[int, int]]:
    """Without the quiet zone."""
    rectangles = [tuple(map(int, one)) for one in re.findall(rb"^(\d+) (\d+) (\d+) 1 re$", page, re.MULTILINE)]
    assert rectangles
    return {(row - 4, column + step - 4) for column, row, length in rectangles for step in range(length)}


def test_a_code_is_large_and_has_its_quiet_zone() -> None:
    (page,) = pages(draw(booking(ticket(1))))
    matrix = re.search(rb"q\n0 g\n([\d.]+) 0 0 -([\d.]+) ([\d.]+) ([\d.]+) cm", page)
    assert matrix is not None
    width, height, left, top = map(float, matrix.groups())
    size = make_qr(ticket(1).code).symbol_size(border=0)[0]
    assert width == height
    assert width * size >= 40 * MM
    assert left + width * (size + 8) <= 148 * MM
    assert top - height * (size + 8) >= 0
    lowest_text_above = min(float(at) for at in re.findall(rb"BT [\d.]+ ([\d.]+) Td", page) if float(at) > top - height * 4)
    assert lowest_text_above > top


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Łódź, Ünal & Søn", "Łódź, Ünal & Søn"),
        ("Фёдор", "Фёдор"),
        ("Αθήνα", "Αθήνα"),
        ("Nguyễn Thị", "Nguyễn Thị"),
        ("Jose\u0301", "José"),
        ("\uff31\uff32\uff33", "QRS"),
        ("山田 Yamada", "\ufffd\ufffd Yamada"),
        ("שלום\u200f", "\ufffd\ufffd\ufffd\ufffd"),
        ("محمد", "\ufffd\ufffd\ufffd\ufffd"),
        ("😀\ufe0f!", "\ufffd!"),
        ("(a\\b)", "(a\\b)"),
    ],
)
def test_what_the_font_lacks_is_visibly_replaced(text: str, expected: str) -> None:
    assert printable(text) == expected
    (page,) = words(draw(booking(ticket(1, category=text)), text, text, text))
    assert "".join(page).replace(" ", "").count(expected.replace(" ", "")) == 4
    assert ("\ufffd stands for a character that can't be printed here." in page) == ("\ufffd" in expected)


def test_long_texts_are_cut_where_there_is_no_room() -> None:
    for letter, space in product("Wi", (" ", "")):
        long = ((letter * 5 + space) * 40)[:200]
        (page,) = words(draw(booking(ticket(1, category=long)), long, long, long))
        ends = [text for text in page if text.endswith("…")]
        assert 3 <= len(ends) <= 4
        assert len(page) <= 20


def test_files_share_fonts_but_no_text() -> None:
    first = draw(booking())
    assert "Фёдор" in str(words(draw(booking(), holder="Фёдор")))
    assert "Zoe" in str(words(draw(booking(), holder="Zoe")))
    assert draw(booking()) == first


def test_no_font_is_made_again_for_each_file(monkeypatch: pytest.MonkeyPatch) -> None:
    draw(booking())

    def fail(*_: object) -> None:
        raise AssertionError("a font was made")

    monkeypatch.setattr("fontTools.ttLib.TTFont.__init__", fail)
    monkeypatch.setattr("fontTools.subset.Subsetter.subset", fail)
    assert words(draw(booking(), holder="Bob"))[0][-3] == "Bob"


def test_file_does_not_depend_on_those_before_it() -> None:
    three = booking(*map(ticket, (1, 2, 3)))
    alone = draw(three)
    for number in range(1, 8):
        draw(booking(*map(ticket, range(1, number + 1))))
    assert draw(three) == alone
    assert len(words(alone)) == 3


def test_files_can_be_made_in_threads() -> None:
    bought = [booking(*(ticket(number) for number in range(1, count + 1))) for count in (1, 2, 3, 4)] * 5
    expected = [draw(one) for one in bought]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(draw, bought)) == expected
    finally:
        sys.setswitchinterval(usual)


def test_a_usual_file_is_small_and_grows_slowly() -> None:
    assert len(draw(booking())) < 40_000
    large = draw(booking(*(ticket(number) for number in range(1, 251)), total="6250.00"))
    assert len(large) < 2_000 * 250
    assert len(pages(large)) == 250
