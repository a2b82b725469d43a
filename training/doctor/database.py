"""The truth: reachable, of this version, durable, and what it knows of keys and refused events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.errors import StoreUnavailable
from engine.store import schema, vitals
from engine.store.database import POSTGRESQL, SQLITE, Database
from engine.store.rejects import MOST_KEPT, SqlRejects
from training.doctor.finding import Deployment, Finding, broken, ok, unless, warning
from training.doctor.keys import keys

SLOW_COMMIT_SECONDS = 0.05
SLOW_TRIP_SECONDS = 0.01
MOST_SKEW_SECONDS = 2.0
# What PostgreSQL may lose of acknowledged commits in a power cut; all other modes write to disk.
_NOT_DURABLE = "off"


def database(deployment: Deployment) -> Iterator[Finding]:
    """Whether the database can be reached, and all that is asked of it then."""
    found = vitals.for_reading(deployment.settings.database)
    try:
        yield from _looked_at(found, deployment)
    finally:
        found.close()


def _looked_at(found: Database, deployment: Deployment) -> Iterator[Finding]:
    on_server = found.dialect == POSTGRESQL
    if not on_server:
        path = Path(str(found.url.database))
        if path.parent.is_dir():
            yield _commit(path.parent)
        if not path.exists():
            remedy = "`regulars ingest` and `regulars serve` make it; else see REGULARS_HOME."
            yield warning("database", f"there is no {path} yet", remedy)
            return
    try:
        yield _reached(found)
    except StoreUnavailable as error:
        yield broken("database", str(error), _REMEDIES[found.dialect])
        yield warning("api keys", "not looked at: they are in the database", "See the database.")
        return
    yield from _on_server(found, deployment) if on_server else _in_file(found)
    current = _tables(found)
    yield current
    # Tables of another version may not have what is asked of them.
    if not current.remedy:
        yield from keys(found, deployment)
        yield _rejects(found)


def _reached(found: Database) -> Finding:
    trip = vitals.trip_seconds(found)
    remedy = "Bring database and server nearer to each other: each request asks it several times."
    slow = warning("database", f"{found.name} answers in {1000 * trip:.2f} ms", remedy)
    return unless(trip <= SLOW_TRIP_SECONDS, slow)


def _commit(folder: Path) -> Finding:
    try:
        seconds = vitals.commit_seconds(folder)
    except StoreUnavailable as error:
        return broken("commit", str(error), "Make the folder writable, or make room on its disk.")
    remedy = "Put the home on a local SSD: an event is acknowledged when the disk has it."
    slow = warning("commit", f"{1000 * seconds:.2f} ms until it is on disk in {folder}", remedy)
    return unless(seconds <= SLOW_COMMIT_SECONDS, slow)


def _in_file(found: Database) -> Iterator[Finding]:
    mode = vitals.journal_mode(found)
    remedy = "Put the file on a local disk and run any command: `wal` needs shared memory."
    yield unless(mode == "wal", warning("journal", f"the journal mode is {mode}", remedy))


def _on_server(found: Database, deployment: Deployment) -> Iterator[Finding]:
    mode = vitals.synchronous_commit(found)
    remedy = "Set synchronous_commit = on: a power cut would lose events that were acknowledged."
    durable = mode != _NOT_DURABLE
    yield unless(durable, warning("commit", f"synchronous_commit is {mode}", remedy))
    clock = vitals.clock(found, now=deployment.clock)
    ahead = clock.ahead_seconds
    shown = f"PostgreSQL's is {abs(ahead):.3f} s {'ahead of' if ahead > 0 else 'behind'} ours"
    remedy = "Let both hosts keep time by NTP: keys, tokens and cached lists end by the clock."
    # The middle is off by half a round trip at most.
    fine = abs(ahead) - clock.trip_seconds / 2 <= MOST_SKEW_SECONDS
    yield unless(fine, warning("clock", shown, remedy))


def _tables(found: Database) -> Finding:
    with found.read() as connection:
        version = vitals.table_version(connection)
    newest = schema.newest()
    if version and not schema.knows(version):
        remedy = "Install the regulars that wrote them, or restore a backup from before it ran."
        return broken("tables", f"version {version}, but {newest} is the newest here", remedy)
    if vitals.is_current(found):
        return ok("tables", f"version {version}, the newest")
    shown = f"version {version}, {newest} is the newest" if version else "there are none yet"
    if version == newest:
        shown = f"version {version} without a column for each feature"
    remedy = "Make a backup and restart `regulars serve`, which brings them up to date."
    return warning("tables", shown, remedy)


def _rejects(found: Database) -> Finding:
    count = SqlRejects(found).count()
    shown = f"{count:,} kept" if count else "none"
    more = f" of {MOST_KEPT:,} at most" if count else ""
    remedy = (
        "`regulars rejects` shows what was wrong with each: a client sends what cannot be used."
    )
    return unless(not count, warning("refused events", shown + more, remedy))


_REMEDIES = {
    POSTGRESQL: "Start it, or correct REGULARS_DATABASE_URL, its user, password and name included.",
    SQLITE: "Give the file to the user who runs this, or restore it from a backup.",
}
