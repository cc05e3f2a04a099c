"""`python -m migrations upgrade [REVISION] | downgrade REVISION | current`, on the database of the settings."""

import argparse
import sys

from alembic.util import CommandError
from sqlalchemy.exc import OperationalError

import migrations
from ledger.database_errors import one_line
from ledger.settings import Settings, SettingsError
from migrations.roles import RoleMissing


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m migrations", description="Migrate the database schema.")
    commands = parser.add_subparsers(dest="command", required=True)
    upgrade = commands.add_parser("upgrade", help="to a newer revision, by default the newest")
    upgrade.add_argument("revision", nargs="?", default="head")
    downgrade = commands.add_parser("downgrade", help="to an older revision; `base` removes everything")
    downgrade.add_argument("revision")
    commands.add_parser("current", help="print the revision of the database, and the newest")
    arguments = parser.parse_args()
    try:
        settings = Settings.of_running()
        database_url = settings.database_url
        if not database_url:
            return _fail("Set DATABASE_URL, or start `make run`, whose database is then used.")
        match arguments.command:
            case "upgrade":
                migrations.upgrade(database_url, arguments.revision, runtime_database_url=settings.runtime_database_url)
            case "downgrade":
                migrations.downgrade(database_url, arguments.revision)
        print(f"{migrations.current(database_url) or 'nothing'} of {migrations.head()}")
    except OperationalError as error:
        return _fail(f"PostgreSQL refuses: {one_line(error.orig)}")
    except (SettingsError, CommandError, RoleMissing, ValueError) as error:
        return _fail(str(error))
    return 0


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
