"""What an operator does to projections by hand: `python -m projections --help`."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from tqdm import tqdm

from ledger.keys import KeysError
from ledger.settings import Settings, SettingsError
from ledger.store import Ledger, LedgerAway, sqlalchemy_url
from projections.copies import CopiesRefused
from projections.engine import Occupied, Stalled, catch_up
from projections.log_keys import begin_origin
from projections.rebuild import Rebuilder
from projections.registry import PROJECTORS


class Refused(Exception):
    """One sentence, for the terminal."""


def main() -> int:
    arguments = _parser().parse_args()
    try:
        return _COMMANDS[arguments.command](arguments, Settings.of_running())
    except KeyboardInterrupt:
        return _fail("Broken off. Begin again: it goes on from there.")
    except DBAPIError as error:
        return _fail(f"PostgreSQL refuses: {(str(error.orig).splitlines() or [''])[0]}")
    except (SettingsError, KeysError, Refused, CopiesRefused, Stalled, LedgerAway) as error:
        return _fail(str(error))


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m projections",
        description="What an operator does by hand. The database is DATABASE_URL, else that of the running `make run`.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    rebuild = commands.add_parser(
        "rebuild",
        help="fold the ledger anew into tables beside the served ones, which then take their place; goes on where it was killed",
    )
    rebuild.add_argument("name", choices=["all", *PROJECTORS])
    resume = commands.add_parser("resume", help="try a stalled projection's entry again, once what it stalled at is repaired")
    resume.add_argument("name", choices=list(PROJECTORS))
    commands.add_parser(
        "new-origin",
        help="sign the log under a new name, after a restored backup has forgotten what was signed under the old one",
    )
    return parser


def _rebuild(arguments: argparse.Namespace, settings: Settings) -> int:
    projectors = list(PROJECTORS.values()) if arguments.name == "all" else [PROJECTORS[arguments.name]]
    with (
        closing(_ledger(settings)) as ledger,
        closing(Rebuilder(settings.database_url, ledger)) as rebuilder,
        _progress("Rebuilding") as told,
    ):
        done = rebuilder.rebuild(projectors, told)
    for one in done:
        found = f"differed: {one.difference}" if one.difference else "was equal" if one.compared else "was not compared"
        print(f"{one.name} is rebuilt, as of position {one.position}. What was served {found}.")
    return 0


def _resume(arguments: argparse.Namespace, settings: Settings) -> int:
    with closing(_ledger(settings)) as ledger:
        engine = create_engine(sqlalchemy_url(settings.database_url))
        try:
            count = catch_up(engine, ledger, PROJECTORS[arguments.name])
        except Occupied:
            raise Refused(f"A worker is at {arguments.name} at the moment: it goes on by itself.") from None
        finally:
            engine.dispose()
    print(f"{arguments.name} goes on: {count} entries more are in it.")
    return 0


def _new_origin(arguments: argparse.Namespace, settings: Settings) -> int:
    key = begin_origin(settings.keys)
    print(f"Checkpoints are signed as {key.name} from now on. Publish its verifier key beside the old one:\n{key}")
    return 0


def _ledger(settings: Settings) -> Ledger:
    if not settings.database_url:
        raise Refused("There is no database: set DATABASE_URL, or start `make run`, whose database is then used.")
    return Ledger(settings.database_url)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on the terminal, with the time that is left: told how far it is and how far it is to get."""
    with tqdm(desc=what, unit=" positions", unit_scale=True, disable=None) as bar:

        def told(position: int, target: int) -> None:
            bar.total = target
            bar.update(position - bar.n)

        yield told


_COMMANDS = {"rebuild": _rebuild, "resume": _resume, "new-origin": _new_origin}

if __name__ == "__main__":
    sys.exit(main())
