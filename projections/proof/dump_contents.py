"""Which objects a dump holds, and which of them no migration makes: an operator's own, or what an intruder has left.

An object has the name by which `pg_restore --list` calls it, but for its owner: "TABLE public accounts".
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

import migrations
from projections.proof import postgres_programs

#: A line of a dump's table of contents: numbers, then the object and its owner, who may be nobody.
_LINE = re.compile(r"\d+; \d+ \d+ (.*)").fullmatch
_TABLE = re.compile(r"TABLE public \S+ (.+)").fullmatch
_ROWS = re.compile(r"(TABLE|SEQUENCE) public (\S+)").fullmatch
#: What belongs to an object that has a line of its own; rights, which each upgrade gives; the schema that every database has.
_PARTS = ("TABLE DATA ", "SEQUENCE SET ", "MATERIALIZED VIEW DATA ", "ACL ", "COMMENT ", "SCHEMA - public")
#: At most this many are named, by this many characters each.
_MOST_NAMED, _MOST_CHARACTERS = 20, 200


def lines_of(dump: Path, version: int) -> dict[str, str]:
    """The line of each object in the dump's table of contents, as `pg_restore --use-list` takes it. Raises BackupError."""
    lines = [(line, found[1]) for line in postgres_programs.contents_of(dump, version) if (found := _LINE(line))]
    owners = {"", *(table[1] for _, owned in lines if (table := _TABLE(owned)))}
    return {_without_owner(owned, owners): line for line, owned in lines}


def _without_owner(owned: str, owners: Collection[str]) -> str:
    """An object is of an owner of tables, or of none (a cast). Another owner stays part of the name, which no migration gives."""
    suffix = next((f" {owner}" for owner in sorted(owners, key=len, reverse=True) if owned.endswith(f" {owner}")), "")
    return owned.removesuffix(suffix)


def objects_in(lines: Iterable[str]) -> list[str]:
    return [name for name in lines if not name.startswith(_PARTS)]


def rows_of(objects: Iterable[str]) -> list[str]:
    """The rows of tables, and the last number of sequences, as a dump names them."""
    kinds = {"TABLE": "TABLE DATA", "SEQUENCE": "SEQUENCE SET"}
    return [f"{kinds[found[1]]} public {found[2]}" for name in objects if (found := _ROWS(name))]


def made_by_migrations() -> set[str]:
    """The objects in a database of revision `migrations.head()`."""
    return set(migrations.OBJECTS.read_text().splitlines())


def name_others(lines: Mapping[str, str], made: Collection[str], sentence: str, say: Callable[[str], None]) -> None:
    """Names the objects that are not among those made, and their owners, each by that sentence with a place for it."""
    others = [name for name in objects_in(lines) if name not in made]
    for name in others[:_MOST_NAMED]:
        owned = lines[name].split(" ", 3)[3].strip()
        plain = "".join(character if character.isprintable() else "?" for character in owned)
        say(sentence.format(plain if len(plain) <= _MOST_CHARACTERS else f"{plain[:_MOST_CHARACTERS]}…"))
    if len(others) > _MOST_NAMED:
        say(f"… and {len(others) - _MOST_NAMED} others.")
