"""Verification of everything: the ledger against its MACs and every checkpoint ever signed, snapshots against their streams, and
each row of the read tables against a shadow copy that is folded from the ledger. No stored hash or number is trusted.

What it can't prove is that nobody who holds the keys has rewritten all of it: compare with checkpoints that somebody else kept
(`--checkpoints`). Entries after the last checkpoint, of about the last second, are protected by their MACs and the read tables
only.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import Engine, select, text

from ledger import snapshots
from ledger.event import Event
from ledger.evolve import evolve
from ledger.keys import KeysError
from ledger.macs import Macs
from ledger.postgres_connections import connection_parameters
from ledger.settings import Settings
from ledger.store import Ledger
from projections import audit
from projections.engine import ProjectionStalled, Projector
from projections.proof.checkpoints import paused_signing
from projections.proof.log_keys import LogKeys, read_origin
from projections.proof.signed_list import LIST_FILE
from projections.proof.verification_results import ALTERED, FAILED, PROVEN, VerificationReport, store_last, store_report
from projections.proof.verify_checkpoints import SignedCheckpoints
from projections.proof.verify_entries import AlterationFound, EntryCheck, Finding, entries, stored_leaves
from projections.proof.verify_tables import check_tables
from projections.rebuild import projection_snapshots
from projections.rebuild.projection_snapshots import ProjectionSnapshot
from projections.rebuild.shadow_copies import ShadowCopies, ShadowCopy, ShadowCopyError
from projections.rebuild.shadow_tables import TableKind
from projections.registry import PROJECTORS
from projections.resume import events_set_aside
from projections.tables import SetAside

#: Entries between two saved states, from which a verification continues that was killed.
SAVE_EVERY = 100_000
STATE_FILE = "verification-state"
#: Entries between two reports of progress.
PAGE = 5_000


class TreeBehind(Exception):
    """The audit projection is behind the entries that were verified: one sentence."""


class AnotherVersion(Exception):
    """A projection is of another version than this release makes, so its rows can't be compared: one sentence."""


class EventsSetAside(Exception):
    """Projections have set Events aside, so their rows can't be compared: one sentence."""


#: Called with the name of the phase, the number of items done, and the total.
PhaseCallback = Callable[[str, int, int], None]


class Verifier:
    """Verifies everything, once. `kept`: files with checkpoints that somebody has kept elsewhere: a list like ours, or one note."""

    def __init__(
        self, settings: Settings, kept: Sequence[Path] = (), on_progress: PhaseCallback = lambda what, done, total: None
    ) -> None:
        self._settings, self._kept, self._on_progress = settings, kept, on_progress
        self._state = settings.keys / STATE_FILE

    def run(self, *, anew: bool = False) -> VerificationReport:
        """An alteration is in the report. Raises KeysError; NoteError for a list or file without checkpoints of ours;
        ShadowCopyError where another verification is under way; TreeBehind; AnotherVersion or EventsSetAside, once all
        else is verified; LedgerUnavailable; psycopg's and SQLAlchemy's errors."""
        report = VerificationReport(started_at=datetime.now(UTC))
        if anew:
            self._state.unlink(missing_ok=True)
        try:
            self._verify(report)
        except AlterationFound as altered:
            report.finding = altered.finding
        report.finished_at = datetime.now(UTC)
        self._state.unlink(missing_ok=True)
        return report

    def _verify(self, report: VerificationReport) -> None:
        if not any(self._settings.keys.glob("ledger.*")):
            raise KeysError(
                f"{self._settings.keys} holds no keys: without the keys that entries were written with, nothing can be proven."
            )
        macs, keys = Macs.open(self._settings.keys), LogKeys.open(self._settings.keys)
        origin, listed = read_origin(self._settings.keys), self._settings.keys / LIST_FILE
        with ExitStack() as stack:
            ledger = stack.enter_context(closing(Ledger(self._settings.database_url)))
            copies = stack.enter_context(
                closing(ShadowCopies(self._settings.database_url, ledger, "verification", TableKind.UNLOGGED))
            )
            stack.enter_context(copies.lock("everything"))
            with psycopg.connect(**connection_parameters(self._settings.database_url, "seatledger-verify")) as connection:
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                with paused_signing(copies.engine, self._settings.keys) as known_bytes:
                    connection.execute("SET LOCAL statement_timeout = 0")
                    connection.execute("SELECT 1")  # begins the transaction's view
                signed = SignedCheckpoints(keys, origin, listed, known_bytes, self._kept)
                report.checkpoints = signed.count
                signed.check_rows(connection)
                self._check_entries(report, connection, EntryCheck(macs, signed))
                report.given_up = [f"{name}, from {size} entries on" for name, size in signed.given_up.items()]
            self._check_snapshots(ledger, macs, report)
            self._compare_projections(report, ledger, copies)

    def _check_entries(self, report: VerificationReport, connection: psycopg.Connection[Any], check: EntryCheck) -> None:
        with suppress(OSError, msgspec.MsgspecError):
            check.restore(self._state.read_bytes())
        ((rows, head),) = connection.execute("SELECT count(*), coalesce(max(notification_id), 0) FROM ledger_entries").fetchall()
        leaves = stored_leaves(connection, check.tree.size)
        for row, leaf in zip(entries(connection, check.position), leaves, strict=False):
            check.take(row, leaf)
            report.entries, report.position = check.tree.size, check.position
            if check.tree.size % SAVE_EVERY == 0:
                self._save(check)
            if check.tree.size % PAGE == 0:
                self._on_progress("entries", check.tree.size, rows)
        check.finish(rows)
        report.entries, report.position, report.root = check.tree.size, head, check.tree.root().hex()

    def _save(self, check: EntryCheck) -> None:
        aside = self._state.with_suffix(".new")
        aside.write_bytes(check.save())
        aside.replace(self._state)

    def _check_snapshots(self, ledger: Ledger, macs: Macs, report: VerificationReport) -> None:
        """Compares each snapshot with its stream, folded from the first entry, one Event at a time."""
        with psycopg.connect(**connection_parameters(self._settings.database_url, "seatledger-verify")) as connection:
            streams = [stream for (stream,) in connection.execute("SELECT DISTINCT originator_id FROM ledger_snapshots ORDER BY 1")]
            for number, stream in enumerate(streams, start=1):
                rows = connection.execute(_SNAPSHOTS, (stream,)).fetchall()
                for (version, topic, state, mac), event in _folded_to(ledger, stream, rows):
                    is_forged = mac is not None and not macs.verify(mac, stream, version, topic, state)
                    if snapshots.is_later(topic) and not is_forged:
                        report.later_snapshots += 1
                    elif is_forged or event is None or not _matches(event, snapshots.Snapshot(stream, version, topic, state)):
                        raise AlterationFound(_snapshot_finding(stream, version))
                    else:
                        report.snapshots += 1
                self._on_progress("snapshots", number, len(streams))

    def _compare_projections(self, report: VerificationReport, ledger: Ledger, copies: ShadowCopies) -> None:
        _check_versions(copies.engine)
        with ExitStack() as stack:
            made = []
            for projector in PROJECTORS.values():
                made.append(stack.enter_context(copies.copy(projector, anew=True)))
                stack.callback(copies.drop, made[-1])
            check_tables(copies.engine)
            _check_progress(copies.engine, ledger)
            try:
                stops = _projection_snapshot_checks(made, ledger)
                copies.fill(
                    made,
                    lambda projector: copies.served_status(projector).position,
                    partial(self._on_progress, "read tables"),
                    stops,
                )
            except ProjectionStalled as stalled:
                raise AlterationFound(_unfoldable_finding(stalled.position, stalled)) from stalled
            with copies.engine.connect() as connection:
                incomplete = set(connection.scalars(select(SetAside.name)))
            comparable = [copy for copy in made if copy.projector.name not in incomplete]
            for copy in comparable:
                _check_complete(copy)
            _check_root(next(copy for copy in made if copy.projector.name == audit.AuditProjector.name), report)
            for number, copy in enumerate(comparable):
                self._on_progress("comparing", number, len(comparable))
                compared = copies.compare(copy, lambda served: True)
                if compared is None:
                    raise AlterationFound(_decreased_position_finding(copy.projector))
                if compared.difference is not None:
                    raise AlterationFound(Finding(*compared.difference, f"{compared.difference}."))
                report.compared_at[copy.projector.name] = compared.position
        if incomplete:
            names = " and ".join(sorted(incomplete))
            raise EventsSetAside(
                f"All else is proven, but {names} can't be compared: Events are set aside. `python -m projections resume` says why."
            )


_SNAPSHOTS = """
    SELECT originator_version, topic, state, mac FROM ledger_snapshots WHERE originator_id = %s ORDER BY originator_version"""
_SnapshotRow = tuple[int, str, bytes, bytes | None]


def _folded_to(ledger: Ledger, stream: UUID, rows: Sequence[_SnapshotRow]) -> Iterator[tuple[_SnapshotRow, Event | None]]:
    """Each row with the Event as of its version; None where the stream is shorter."""
    event: Event | None = None
    for row in rows:
        for recorded in ledger.stream(stream, after=event.version if event else 0, until=row[0]):
            event = evolve(event, recorded)
        yield row, event if event and event.version == row[0] else None


def _matches(event: Event, snapshot: snapshots.Snapshot) -> bool:
    return snapshot.topic in snapshots.TOPICS and snapshots.take(event, snapshot.topic).state == snapshot.state


def _snapshot_finding(stream: UUID, version: int) -> Finding:
    row = f"originator_id {stream}, originator_version {version}"
    sentence = f"ledger_snapshots: the row {row} does not match its stream."
    return Finding("ledger_snapshots", row, "state", None, None, sentence)


def _check_root(copy: ShadowCopy, report: VerificationReport) -> None:
    """Checks that the shadow copies were folded from the entries that were verified, also if the verification was interrupted."""
    with copy.engine.connect() as connection:
        if audit.tree_size(connection) < report.entries:
            raise TreeBehind("The tree is behind the entries: start a worker, and verify again.")
        root = audit.root_at(connection, report.entries).hex()
    if root != report.root:
        sentence = f"ledger_entries: an entry up to position {report.position} was altered during the verification."
        raise AlterationFound(
            Finding("ledger_entries", f"notification_id up to {report.position}", None, root, report.root, sentence)
        )


def _check_versions(engine: Engine) -> None:
    """Raises AnotherVersion. That is no alteration: during an upgrade two releases run. Nobody can hide altered rows by it, since a
    worker then rebuilds the projection."""
    with engine.connect() as connection:
        served = {name: version for name, version, _ in connection.execute(_PROGRESS)}
    for name, projector in PROJECTORS.items():
        if served.get(name, projector.version) != projector.version:
            raise AnotherVersion(
                f"The projection {name} is of another version ({served[name]}) than this release makes ({projector.version}): "
                "verify with the release that made it, or let a worker of this one rebuild it."
            )


def _check_progress(engine: Engine, ledger: Ledger) -> None:
    """Raises AlterationFound where a projection's row is missing, or has a position beyond the ledger's head."""
    with engine.connect() as connection:
        served = {name: position for name, _, position in connection.execute(_PROGRESS)}
    head = ledger.head()  # read after the rows
    for name in PROJECTORS:
        row = f"name {name}"
        if name not in served:
            raise AlterationFound(Finding("projections", row, None, None, None, f"projections: the row {row} is missing."))
        position = served[name]
        reached = head if position is None else min(position, head)
        if position != reached:
            sentence = f"projections: in the row {row}, position is {position} and should be {reached}."
            raise AlterationFound(Finding("projections", row, "position", position, reached, sentence))


_PROGRESS = text("SELECT name, version, position FROM projections")


def _projection_snapshot_checks(copies: Sequence[ShadowCopy], ledger: Ledger) -> dict[int, Callable[[], object]]:
    """For each projection snapshot, by its position: raises AlterationFound where it is not what the projection says there."""
    checks: dict[int, Callable[[], object]] = {}
    copies_by_version = {
        (copy.projector.name, copy.projector.version): copy
        for copy in copies
        if copy.projector.name in projection_snapshots.SNAPSHOT_PROJECTIONS
    }
    with copies[0].engine.connect() as connection:
        taken = list(connection.execute(_PROJECTION_SNAPSHOTS))
    head = ledger.head()  # read after the rows
    for name, version, position in taken:
        copy = copies_by_version.get((name, version))
        if copy is None or position > head:
            raise AlterationFound(_projection_snapshot_finding(name, version, position))
        checks[position] = partial(_check_projection_snapshot, copy, position)
    return checks


_PROJECTION_SNAPSHOTS = select(ProjectionSnapshot.name, ProjectionSnapshot.version, ProjectionSnapshot.position)


def _check_projection_snapshot(copy: ShadowCopy, position: int) -> None:
    p, projector = ProjectionSnapshot, copy.projector
    expected = text(f"({projection_snapshots.rows_of(projector)})::text")
    own = (p.name == projector.name, p.version == projector.version, p.position == position)
    with copy.engine.connect() as connection:
        if connection.scalar(select(p.rows == expected).where(*own)) is not True:
            raise AlterationFound(_projection_snapshot_finding(projector.name, projector.version, position))


def _projection_snapshot_finding(name: str, version: int, position: int) -> Finding:
    row = f"name {name}, version {version}, position {position}"
    sentence = f"projection_digests: the row {row} does not match the projection at that position."
    return Finding("projection_digests", row, "rows", None, None, sentence)


def _check_complete(copy: ShadowCopy) -> None:
    """Raises AlterationFound where an entry can't be folded that is folded in the served tables."""
    with copy.engine.connect() as connection:
        for one in events_set_aside(connection, copy.projector.name):
            raise AlterationFound(_unfoldable_finding(one.position, one.error))


def _unfoldable_finding(position: int, reason: object) -> Finding:
    sentence = f"ledger_entries: the entry at position {position} can't be folded: {reason}."
    return Finding("ledger_entries", f"notification_id {position}", None, None, None, sentence)


def _decreased_position_finding(projector: Projector) -> Finding:
    sentence = f"projections: the position of {projector.name} decreased during the verification."
    return Finding("projections", f"name {projector.name}", "position", None, None, sentence)


def verify(settings: Settings, kept: Sequence[Path], on_progress: PhaseCallback, *, anew: bool = False) -> VerificationReport:
    """Verifies everything and stores the result. Raises as `Verifier.run`."""
    try:
        report = Verifier(settings, kept, on_progress).run(anew=anew)
    except ShadowCopyError:  # the other verification stores its result
        raise
    except Exception:
        store_last(settings.keys, FAILED)
        raise
    store_last(settings.keys, PROVEN if report.finding is None else ALTERED)
    store_report(settings.database_url, report)
    return report
