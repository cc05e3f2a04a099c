"""`python -m devstack.sql_files data | schema | objects`: prints the demo data, or the whole schema, as SQL, or the names of all
objects of the schema. `make sql` writes the three files.

The demo data are loaded into a temporary database, under a clock fixed at a midnight. The file contains all times relative to that
midnight, so they count from the day on which it is loaded. An event's start and end are relative in its own time zone: it starts at
the same hour whether daylight saving time begins or ends before.
"""

import argparse
import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import psycopg
from argon2.low_level import Type, hash_secret

import migrations
from accounts.passwords import HASHER
from devstack import servers
from devstack.server_files import installed_programs, temporary_directory
from ledger.outbox import PASS_ALL, QUIET
from ledger.recorder import ORDERING_LOCK
from ledger.settings import Settings
from projections.proof import dump_contents, postgres_programs
from seed.__main__ import load
from seed.demo import DEMO, PASSWORD

MIDNIGHT = datetime(2030, 1, 7, tzinfo=UTC)
_TIME = re.compile(r'"(\w+)":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)"')
#: Fields of an event that are times in its own time zone.
_WALL_TIMES = ("starts_at", "ends_at", "sales_open_at", "sales_close_at")

_DATA = """\
-- Sample data: the demo's events, bookings and people, for an empty, migrated database. Made by `make sql`: not edited by hand.
--
--     psql -f seed/seed_data.sql "$DATABASE_URL"
--
-- It fills the ledger and the accounts; the workers then fill the read tables. Times count from the day on which
-- it is loaded. Where DEMO is on, its people log in with the password {password}.
\\set ON_ERROR_STOP on
BEGIN;
SELECT pg_advisory_xact_lock({quiet}); -- nobody is told about it
SELECT pg_advisory_xact_lock({lock});
DO $$ BEGIN
    IF EXISTS (SELECT FROM ledger_entries) THEN
        RAISE EXCEPTION 'The ledger is not empty: sample data goes into an empty one only.';
    END IF;
END $$;

-- The time a number of seconds after today's midnight by that zone's clocks, as entries write it.
CREATE FUNCTION pg_temp.moment(after numeric, zone text DEFAULT 'UTC') RETURNS text LANGUAGE sql AS $$
    SELECT replace(to_char((date_trunc('day', now() AT TIME ZONE 'UTC') + after * interval '1 second') AT TIME ZONE zone
                           AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '.000000', '') || 'Z'
$$;

INSERT INTO accounts (id, name, email, contact_email, contact_of, role, password_hash) VALUES
{accounts};

INSERT INTO guests (id, api, handle, name) VALUES
{guests};

CREATE TEMPORARY TABLE sample (place serial, stream uuid, version bigint, topic text, entry text) ON COMMIT DROP;
INSERT INTO sample (stream, version, topic, entry) VALUES
{entries};

SELECT count(*) AS entries FROM (
    SELECT ledger_append(array_agg(stream ORDER BY place), array_agg(version ORDER BY place), array_agg(topic ORDER BY place),
                         array_agg(convert_to(entry, 'UTF8') ORDER BY place)) FROM sample
) AS appended;
{pass_all};
COMMIT;
"""

_SCHEMA = """\
-- The whole schema, as the migrations make it. Made by `make sql`: not edited by hand, nor loaded by anything. What each table is
-- for stands beside its columns in the code (accounts/tables.py, ledger/outbox.py, projections/); how it came to be, in
-- migrations/versions/.

"""


def data() -> str:
    with _database() as settings:
        asyncio.run(load(settings, MIDNIGHT))
        with psycopg.connect(settings.database_url) as connection:
            people = connection.execute(
                "SELECT id, name, email, contact_email, contact_of, role FROM accounts ORDER BY role, email, contact_email"
            ).fetchall()
            guests = connection.execute("SELECT id, api, handle, name FROM guests ORDER BY number").fetchall()
            entries = connection.execute(
                "SELECT originator_id, originator_version, topic, convert_from(state, 'UTF8') FROM ledger_entries"
                " ORDER BY notification_id"
            ).fetchall()
    ids = {str(id_): str(uuid5(DEMO, email or contact_email)) for id_, _, email, contact_email, _, _ in people}
    ids |= {str(id_): str(uuid5(DEMO, f"{api} {handle}")) for id_, api, handle, _ in guests if handle}
    return _DATA.format(
        quiet=QUIET,
        pass_all=PASS_ALL,
        password=PASSWORD,
        lock=ORDERING_LOCK,
        accounts=",\n".join(_account(ids, *person) for person in people),
        guests=",\n".join(f"({', '.join(map(_text, (ids.get(str(id_), id_), *guest)))})" for id_, *guest in guests),
        entries=",\n".join(_entry(ids, *entry) for entry in entries),
    )


def _account(
    ids: dict[str, str], id_: UUID, name: str, email: str | None, contact_email: str | None, contact_of: UUID | None, role: str
) -> str:
    organizer = contact_of and ids[str(contact_of)]
    values = (ids[str(id_)], name, email, contact_email, organizer, role, email and _hash(email))
    return f"({', '.join('NULL' if value is None else _text(value) for value in values)})"


def _hash(email: str) -> str:
    """The same each time, unlike a real hash: the password is public, and generating the file again must give the same file."""
    salt = sha256(email.encode()).digest()[:16]
    parameters = {"time_cost": HASHER.time_cost, "memory_cost": HASHER.memory_cost, "parallelism": HASHER.parallelism}
    return hash_secret(PASSWORD.encode(), salt, hash_len=HASHER.hash_len, type=Type.ID, **parameters).decode()


def _entry(ids: dict[str, str], stream: UUID, version: int, topic: str, entry: str) -> str:
    for made, lasting in ids.items():
        entry = entry.replace(made, lasting)
    zone = json.loads(entry).get("details", {}).get("timezone", "UTC")
    arguments = ", ".join(_moment(time, zone if name in _WALL_TIMES else "UTC") for name, time in _TIME.findall(entry))
    template = _text(_TIME.sub(r'"\1":"%s"', entry.replace("%", "%%")))
    return f"({_text(stream)}, {version}, {_text(topic)}, format({template}, {arguments}))"


def _moment(time: str, zone: str) -> str:
    on_the_wall = datetime.fromisoformat(time).astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
    after = f"{(on_the_wall - MIDNIGHT).total_seconds():.6f}".rstrip("0").rstrip(".")
    return f"pg_temp.moment({after})" if zone == "UTC" else f"pg_temp.moment({after}, {_text(zone)})"


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def schema() -> str:
    command = [str(installed_programs().postgres("pg_dump")), "--schema-only", "--no-owner", "--no-privileges"]
    with _database() as settings:
        done = subprocess.run([*command, settings.database_url], capture_output=True, text=True, check=True)
    # Without lines that differ from one dump, or one release of PostgreSQL, to the next.
    lines = [line for line in done.stdout.splitlines() if not re.match(r"\\(un)?restrict|-- Dumped|SET |SELECT pg_catalog", line)]
    return _SCHEMA + re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def objects() -> str:
    with _database() as settings:
        with psycopg.connect(settings.database_url) as connection:
            version = connection.info.server_version // 10_000
        dump = settings.data_dir / "dump"
        postgres_programs.run("pg_dump", version, settings.database_url, "--format=custom", "--schema-only", f"--file={dump}")
        return "".join(f"{name}\n" for name in sorted(dump_contents.objects_in(dump_contents.lines_of(dump, version))))


@contextmanager
def _database() -> Iterator[Settings]:
    """A migrated, empty database on a temporary server."""
    with temporary_directory() as directory, servers.own_postgres(directory / "postgresql") as url:
        migrations.upgrade(url)
        yield Settings(database_url=url, data_dir=directory)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m devstack.sql_files", description=__doc__)
    parser.add_argument("what", choices=("data", "schema", "objects"))
    made: dict[str, Any] = {"data": data, "schema": schema, "objects": objects}
    sys.stdout.write(made[parser.parse_args().what]())
    return 0


if __name__ == "__main__":
    sys.exit(main())
