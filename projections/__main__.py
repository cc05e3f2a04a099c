"""What an operator does to projections by hand: `python -m projections --help`."""

import argparse
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NoReturn

import msgspec
import psycopg
from eventsourcing.persistence import PersistenceError
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from tqdm import tqdm

from ledger import gc_tuning
from ledger.keys import KeysError
from ledger.macs import Macs
from ledger.settings import Settings, SettingsError
from ledger.store import Ledger, LedgerUnavailable, sqlalchemy_url
from projections.engine import ProjectionLocked, ProjectionStalled, catch_up
from projections.proof import transfer
from projections.proof.log_keys import LogKeys, begin_origin
from projections.proof.signed_list import LIST_FILE, read_list
from projections.proof.signed_notes import NoteError
from projections.proof.transfer import TransferError
from projections.proof.verify import TreeBehind, verify
from projections.proof.verify_checkpoints import accept
from projections.rebuild.rebuilder import Rebuilder
from projections.rebuild.shadow_copies import ShadowCopyError
from projections.registry import PROJECTORS

#: The exit status of a verification that found something.
ALTERED = 3


class OperatorError(Exception):
    """One sentence, for the terminal."""


#: Their text is one sentence for the terminal.
_REFUSALS = (
    SettingsError, KeysError, NoteError, TransferError, OperatorError, ShadowCopyError, TreeBehind, ProjectionStalled,
    LedgerUnavailable,
)  # fmt: skip


def main() -> int:
    arguments = _parser().parse_args()
    gc_tuning.tune()
    try:
        return _COMMANDS[arguments.command](arguments, Settings.of_running())
    except KeyboardInterrupt:
        return _fail("Broken off. Begin again: it goes on from there.")
    except DBAPIError as error:
        return _fail(f"PostgreSQL refuses: {(str(error.orig).splitlines() or [''])[0]}")
    except (psycopg.Error, PersistenceError) as error:
        return _fail(f"PostgreSQL refuses: {(str(error).splitlines() or [''])[0]}")
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}.")
    except (
        SettingsError,
        KeysError,
        NoteError,
        TransferError,
        OperatorError,
        ShadowCopyError,
        TreeBehind,
        ProjectionStalled,
        LedgerUnavailable,
    ) as error:
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
    verify = commands.add_parser(
        "verify",
        help="prove that nothing was altered: entries, checkpoints, snapshots, each row served; goes on where it was killed",
        epilog="Exit status: 0 all of it is proven, 3 something was altered, 1 it could not be verified.",
    )
    kept = "checkpoints that were kept elsewhere, too: a note, or a list (repeatable)"
    verify.add_argument("--checkpoints", metavar="FILE", type=Path, action="append", default=[], help=kept)
    verify.add_argument("--json", metavar="FILE", type=Path, help="write the report there, too")
    verify.add_argument("--anew", action="store_true", help="from the first entry on, whatever one that was killed has seen")
    out = commands.add_parser("export", help="write the whole ledger into a file, a line an entry")
    out.add_argument("file", type=Path)
    in_ = commands.add_parser("import", help="take such a file into an empty ledger, at the same positions")
    in_.add_argument("file", type=Path)
    accept = commands.add_parser(
        "accept",
        help="let verifications accept entries without a MAC, up to the last checkpoint: sample data, say, that psql has loaded",
    )
    accept.add_argument("--yes", action="store_true", required=True, help="they are what they should be")
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
        except ProjectionLocked:
            raise OperatorError(f"A worker is at {arguments.name} at the moment: it goes on by itself.") from None
        finally:
            engine.dispose()
    print(f"{arguments.name} goes on: {count} entries more are in it.")
    return 0


def _verify(arguments: argparse.Namespace, settings: Settings) -> int:
    _check_database(settings)
    with _phases() as doing:
        report = verify(settings, arguments.checkpoints, doing, anew=arguments.anew)
    if arguments.json:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    if report.finding is not None:
        print(f"Altered. {report.finding.sentence}", file=sys.stderr)
        return ALTERED
    for one in report.given_up:
        print(f"Given up with its origin: {one}")
    if report.later_snapshots:
        print(f"Not verified: {report.later_snapshots} snapshots of a later release, which this one does not use.")
    print(
        f"Proven: {report.entries} entries up to position {report.position}, {report.checkpoints} checkpoints,"
        f" {report.snapshots} snapshots, and every row of {', '.join(report.compared_at)}.\nRoot hash {report.root}"
    )
    return 0


def _export(arguments: argparse.Namespace, settings: Settings) -> int:
    _check_database(settings)
    aside = arguments.file.with_name(f".{arguments.file.name}.new")
    with psycopg.connect(settings.database_url) as connection, aside.open("wb") as file, _progress("Exporting", "entries") as told:
        root = transfer.export(connection, file, told)
    aside.replace(arguments.file)
    print(f"The ledger is in {arguments.file}. Root hash {root}")
    return 0


def _import(arguments: argparse.Namespace, settings: Settings) -> int:
    _check_database(settings)
    macs = Macs.open(settings.keys)
    with (
        closing(Ledger(settings.database_url, macs)) as ledger,
        arguments.file.open("rb") as file,
        _progress("Taking in", "entries") as told,
    ):
        root = transfer.import_(ledger, file, macs, told)
    print(f"The ledger is as in {arguments.file}. Root hash {root}")
    return 0


def _accept(arguments: argparse.Namespace, settings: Settings) -> int:
    path = settings.keys / LIST_FILE
    newest = deque(read_list(path), maxlen=1) if path.exists() else None
    if not newest:
        raise OperatorError("Nothing is signed yet: start a worker first.")
    size = LogKeys.open(settings.keys).read(newest[0]).size
    accept(settings.keys, size)
    print(f"The first {size} entries are accepted as they are, with a MAC or without.")
    return 0


def _new_origin(arguments: argparse.Namespace, settings: Settings) -> int:
    key = begin_origin(settings.keys)
    print(f"Checkpoints are signed as {key.name} from now on. Publish its verifier key beside the old one:\n{key}")
    return 0


def _ledger(settings: Settings) -> Ledger:
    _check_database(settings)
    return Ledger(settings.database_url)


def _check_database(settings: Settings) -> None:
    if not settings.database_url:
        raise OperatorError("There is no database: set DATABASE_URL, or start `make run`, whose database is then used.")


@contextmanager
def _phases() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for one thing after another: told what is being done, how far it is, and how far it is to get."""
    with ExitStack() as stack:
        bars: dict[str, tqdm[NoReturn]] = {}

        def doing(what: str, done: int, total: int) -> None:
            if what not in bars:
                bars[what] = stack.enter_context(tqdm(desc=what.capitalize(), unit_scale=True, disable=None))
            bars[what].total = total
            bars[what].update(done - bars[what].n)

        yield doing


@contextmanager
def _progress(what: str, unit: str = "positions") -> Iterator[Callable[[int, int], None]]:
    """A bar on the terminal, with the time that is left: told how far it is and how far it is to get."""
    with tqdm(desc=what, unit=f" {unit}", unit_scale=True, disable=None) as bar:

        def told(position: int, target: int) -> None:
            bar.total = target
            bar.update(position - bar.n)

        yield told


_COMMANDS = {
    "rebuild": _rebuild,
    "resume": _resume,
    "verify": _verify,
    "export": _export,
    "import": _import,
    "accept": _accept,
    "new-origin": _new_origin,
}

if __name__ == "__main__":
    sys.exit(main())
