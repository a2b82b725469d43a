"""Brings the tables of a database to the version of this code."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from engine.errors import StoreUnavailable
from engine.store.feature_table import add_missing_columns, missing_columns
from engine.store.tables import metadata

NEWEST = "head"
_FOLDER = Path(__file__).parent / "migrations"
# Any number that no other program takes in the same database; this one spells "regulars".
_ADVISORY_LOCK = int.from_bytes(b"regulars", "big")


def is_current(connection: Connection, *, name: str) -> bool:
    """Whether the tables are those of this code; newer ones raise StoreUnavailable."""
    script = ScriptDirectory(str(_FOLDER))
    found = MigrationContext.configure(connection).get_current_heads()
    for revision in found:
        _check_known(script, revision, name=name)
    if set(found) != set(script.get_heads()):
        return False
    return not missing_columns(connection)


def knows(revision: str) -> bool:
    """Whether this code has the step to a version."""
    return revision in {each.revision for each in ScriptDirectory(str(_FOLDER)).walk_revisions()}


def newest() -> str:
    """The version that this code brings tables to."""
    return str(ScriptDirectory(str(_FOLDER)).get_current_head())


def upgrade(connection: Connection, *, name: str, to: str = NEWEST) -> None:
    """Apply the missing steps in the connection's own transaction, one process at a time.

    With `to` only those up to a version, which makes the tables as they were then.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))
    if is_current(connection, name=name):
        return
    script = ScriptDirectory(str(_FOLDER))

    def steps(current: str, _context: MigrationContext) -> list[RevisionStep]:
        return script._upgrade_revs(to, current)

    # What an env.py would do; without one there is no module that does things when imported.
    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection, target_metadata=metadata)
        with environment.begin_transaction():
            environment.run_migrations()
    if to in (NEWEST, newest()):
        add_missing_columns(connection)


def _check_known(script: ScriptDirectory, revision: str, *, name: str) -> None:
    try:
        script.get_revision(revision)
    except CommandError as error:
        raise StoreUnavailable(
            f"{name} has the table version {revision}, which this version of regulars does not "
            "know; upgrade regulars, or restore a backup from before the newer one ran"
        ) from error
