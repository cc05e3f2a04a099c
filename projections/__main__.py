"""The operator CLI for projections and the signed log: `python -m projections --help`."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import msgspec
import psycopg
from eventsourcing.persistence import PersistenceError
from sqlalchemy.exc import DBAPIError
from tqdm import tqdm

from ledger import gc_tuning
from ledger.anchor import LedgerWentBack
from ledger.keys import KEYRINGS, Keyring, KeysError
from ledger.macs import Macs
from ledger.ownership import RuntimeRoleUnknown, runtime_address
from ledger.postgres_connections import make_engine
from ledger.settings import Settings, SettingsError
from ledger.store import Ledger, LedgerUnavailable
from projections.engine import ProjectionLocked, ProjectionStalled, catch_up
from projections.proof import backup, transfer
from projections.proof.log_keys import LogKeys, begin_origin, read_origin
from projections.proof.postgres_programs import BackupError
from projections.proof.signed_notes import NoteError
from projections.proof.transfer import TransferError
from projections.proof.verify import AnotherVersion, EventsSetAside, TreeBehind, verify
from projections.proof.verify_checkpoints import accept
from projections.rebuild.rebuilder import Rebuilder
from projections.rebuild.shadow_copies import ShadowCopyError
from projections.registry import PROJECTORS
from projections.resume import resume_events

#: The exit status of a verification that found an alteration.
ALTERED = 3
#: The bound of a statement of `resume`.
RESUME_STATEMENT_SECONDS = 60.0


class OperatorError(Exception):
    """One sentence, for the terminal."""


#: Their text is one sentence for the terminal.
_REFUSALS = (
    SettingsError, KeysError, NoteError, TransferError, BackupError, OperatorError, ShadowCopyError, TreeBehind, AnotherVersion,
    EventsSetAside, ProjectionStalled, LedgerUnavailable, LedgerWentBack, RuntimeRoleUnknown,
)  # fmt: skip


def main() -> int:
    arguments = _parser().parse_args()
    gc_tuning.tune()
    try:
        return _COMMANDS[arguments.command](arguments, Settings.of_running())
    except KeyboardInterrupt:
        return _fail("Interrupted. Start it again: it continues from there.")
    except DBAPIError as error:
        return _fail(f"PostgreSQL refuses: {(str(error.orig).splitlines() or [''])[0]}")
    except (psycopg.Error, PersistenceError) as error:
        return _fail(f"PostgreSQL refuses: {(str(error).splitlines() or [''])[0]}")
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}.")
    except _REFUSALS as error:
        return _fail(str(error))


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m projections",
        description="Operates projections and the signed log. The database is DATABASE_URL, else that of the running `make run`.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    rebuild = commands.add_parser(
        "rebuild",
        help="fold the ledger into shadow tables, which then replace the served ones; continues where it was killed",
    )
    rebuild.add_argument("name", choices=["all", *PROJECTORS])
    resume = commands.add_parser(
        "resume",
        help="retry the entries that a projection could not apply, after the cause was repaired, and say why where it still can't",
        epilog="Exit status: 1 if the projection is stalled, or an Event stays set aside.",
    )
    resume.add_argument("name", choices=list(PROJECTORS))
    verify = commands.add_parser(
        "verify",
        help="prove that nothing was altered: entries, checkpoints, snapshots, each served row; continues where it was killed",
        epilog="Exit status: 0 everything is proven, 3 something was altered, 1 it could not be verified.",
    )
    kept = "also compare with checkpoints that were kept elsewhere: a note, or a list (repeatable)"
    verify.add_argument("--checkpoints", metavar="FILE", type=Path, action="append", default=[], help=kept)
    verify.add_argument("--json", metavar="FILE", type=Path, help="also write the report to this file")
    verify.add_argument("--anew", action="store_true", help="begin at the first entry, even if an earlier verification was killed")
    backup_ = commands.add_parser("backup", help="write the database and the keys, as of one checkpoint, into a new directory")
    backup_.add_argument("directory", type=Path)
    restore = commands.add_parser(
        "restore",
        help="restore such a backup into an empty database and an empty KEYS_DIR, and begin a new origin of the signed log",
    )
    restore.add_argument("directory", type=Path)
    out = commands.add_parser("export", help="write the whole ledger into a file, one entry a line")
    out.add_argument("file", type=Path)
    in_ = commands.add_parser("import", help="import such a file into an empty ledger, at the same positions")
    in_.add_argument("file", type=Path)
    accept = commands.add_parser(
        "accept",
        help="accept the entries without a MAC that are in the ledger now: sample data that psql has loaded, say",
    )
    accept.add_argument("--yes", action="store_true", required=True, help="confirm that these entries are right")
    commands.add_parser("make-keys", help="make the keys that are missing in KEYS_DIR, as a first start does: to distribute them")
    commands.add_parser(
        "new-origin",
        help="sign the log under a new origin, after a backup was restored that lacks entries signed under the old one",
    )
    return parser


def _rebuild(arguments: argparse.Namespace, settings: Settings) -> int:
    settings = _as_runtime_role(settings)
    projectors = list(PROJECTORS.values()) if arguments.name == "all" else [PROJECTORS[arguments.name]]
    with (
        closing(_ledger(settings)) as ledger,
        closing(Rebuilder(settings.database_url, ledger)) as rebuilder,
        _progress("Rebuilding") as on_progress,
    ):
        results = rebuilder.rebuild(projectors, on_progress)
    for result in results:
        served = f"differed: {result.difference}" if result.difference else "were equal" if result.compared else "were not compared"
        print(f"{result.name} is rebuilt, as of position {result.position}. The served tables {served}.")
        if result.set_aside:
            print(f"Events set aside by {result.name}: {result.set_aside}. `resume {result.name}` says why.", file=sys.stderr)
    return 0


def _resume(arguments: argparse.Namespace, settings: Settings) -> int:
    settings = _as_runtime_role(settings)
    projector = PROJECTORS[arguments.name]
    with closing(_ledger(settings)) as ledger:
        engine = make_engine(settings.database_url, "seatledger-resume", statement_seconds=RESUME_STATEMENT_SECONDS, pool_size=2)
        try:
            count = catch_up(engine, ledger, projector)
            left = resume_events(engine, ledger, projector)
        except ProjectionLocked:
            raise OperatorError(f"A worker is folding {arguments.name} at the moment: it continues by itself.") from None
        finally:
            engine.dispose()
    print(f"{arguments.name} is running: {count} more entries are folded.")
    for one in left:
        print(f"Event {one.event_id} stays set aside at position {one.position}: {one.error}", file=sys.stderr)
    return 1 if left else 0


def _verify(arguments: argparse.Namespace, settings: Settings) -> int:
    settings = _as_runtime_role(settings)
    with _phases() as on_progress:
        report = verify(settings, arguments.checkpoints, on_progress, anew=arguments.anew)
    if arguments.json:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    if report.finding is not None:
        print(f"Altered. {report.finding.sentence}", file=sys.stderr)
        return ALTERED
    for checkpoints in report.given_up:
        print(f"Given up with their origin: {checkpoints}")
    if report.later_snapshots:
        print(f"Not verified: {report.later_snapshots} snapshots of a later release, which this one does not use.")
    print(
        f"Proven: {report.entries} entries up to position {report.position}, {report.checkpoints} checkpoints,"
        f" {report.snapshots} snapshots, and every row of {', '.join(report.compared_at)}.\nRoot hash {report.root}"
    )
    return 0


def _backup(arguments: argparse.Namespace, settings: Settings) -> int:
    _check_database(settings)
    manifest = backup.back_up(settings, arguments.directory, print)
    print(
        f"The backup is in {arguments.directory}: {manifest.entries} entries up to position {manifest.position}. It holds the keys:"
        " keep it as safe as them."
    )
    return 0


def _restore(arguments: argparse.Namespace, settings: Settings) -> int:
    _check_database(settings)
    manifest, key = backup.restore(settings, arguments.directory, print)
    print(
        f"Restored: {manifest.entries} entries up to position {manifest.position}; the keys are in {settings.keys}.\n"
        "Next: `python -m migrations upgrade`, start Seatledger, then `python -m projections verify`.\n"
        f"Checkpoints are signed as {key.name} from now on. Publish its verifier key beside the old one:\n{key}"
    )
    return 0


def _export(arguments: argparse.Namespace, settings: Settings) -> int:
    _check_database(settings)
    aside = arguments.file.with_name(f".{arguments.file.name}.new")
    with (
        psycopg.connect(settings.database_url) as connection,
        aside.open("wb") as file,
        _progress("Exporting", "entries") as on_progress,
    ):
        root = transfer.export(connection, file, on_progress)
    aside.replace(arguments.file)
    print(f"The ledger is exported to {arguments.file}. Root hash {root}")
    return 0


def _import(arguments: argparse.Namespace, settings: Settings) -> int:
    _check_database(settings)
    macs = Macs.open(settings.keys)
    with (
        closing(Ledger(settings.database_url, macs)) as ledger,
        arguments.file.open("rb") as file,
        _progress("Importing", "entries") as on_progress,
    ):
        root = transfer.import_(ledger, file, macs, on_progress)
    print(f"The ledger is imported from {arguments.file}. Root hash {root}")
    return 0


def _accept(arguments: argparse.Namespace, settings: Settings) -> int:
    _check_database(settings)
    with psycopg.connect(settings.database_url) as connection:
        [(size,)] = connection.execute("SELECT count(*) FROM ledger_entries").fetchall()
    accept(settings.keys, size)
    print(f"The first {size} entries are accepted with a MAC or without.")
    return 0


def _make_keys(arguments: argparse.Namespace, settings: Settings) -> int:
    for name in KEYRINGS:
        Keyring.open(settings.keys, name)
    origin = read_origin(settings.keys)
    key = LogKeys.open(settings.keys).signer(origin).key
    print(f"The keys are in {settings.keys}. Keep a copy in a safe place. The verifier key of the signed log:\n{key}")
    return 0


def _new_origin(arguments: argparse.Namespace, settings: Settings) -> int:
    key = begin_origin(settings.keys)
    print(f"Checkpoints are signed as {key.name} from now on. Publish its verifier key beside the old one:\n{key}")
    return 0


def _as_runtime_role(settings: Settings) -> Settings:
    """For what reads and writes read tables, which belong to the runtime role."""
    _check_database(settings)
    return replace(settings, database_url=runtime_address(settings.database_url, settings.runtime_database_url))


def _ledger(settings: Settings) -> Ledger:
    _check_database(settings)
    return Ledger(settings.database_url, Macs.open(settings.keys))


def _check_database(settings: Settings) -> None:
    if not settings.database_url:
        raise OperatorError("There is no database: set DATABASE_URL, or start `make run`, whose database is then used.")


@contextmanager
def _phases() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar for each phase: a PhaseCallback that updates them."""
    with ExitStack() as stack:
        bars: dict[str, tqdm[NoReturn]] = {}

        def on_progress(phase: str, done: int, total: int) -> None:
            if phase not in bars:
                bars[phase] = stack.enter_context(tqdm(desc=phase.capitalize(), unit_scale=True, disable=None))
            bars[phase].total = total
            bars[phase].update(done - bars[phase].n)

        yield on_progress


@contextmanager
def _progress(what: str, unit: str = "positions") -> Iterator[Callable[[int, int], None]]:
    """A progress bar on the terminal, with the remaining time: a ProgressCallback that updates it."""
    with tqdm(desc=what, unit=f" {unit}", unit_scale=True, disable=None) as bar:

        def on_progress(position: int, target: int) -> None:
            bar.total = target
            bar.update(position - bar.n)

        yield on_progress


_COMMANDS = {
    "rebuild": _rebuild,
    "resume": _resume,
    "verify": _verify,
    "backup": _backup,
    "restore": _restore,
    "export": _export,
    "import": _import,
    "accept": _accept,
    "make-keys": _make_keys,
    "new-origin": _new_origin,
}

if __name__ == "__main__":
    sys.exit(main())
