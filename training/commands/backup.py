"""`regulars backup` and `regulars restore`."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version as version_of
from pathlib import Path

import click

from engine.errors import DataRefused, EngineError, StoreUnavailable
from engine.settings import Settings
from engine.store import backup as truth
from engine.store import cache_flush, schema, sqlite_file
from engine.store.archive import FORMAT, Archive, ArchiveWriter, Contents
from engine.store.database import SQLITE, Database
from engine.store.model_store import ModelStore
from training.progress import Progress, progress
from training.serving.standing import standings
from training.wiring import model_store, open_database

_MODELS = "model/"


@click.command(epilog="Example: regulars backup /backups/shop-2026-01-31.zip --models")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--models", is_flag=True, help="The live model too; it can also be trained anew.")
@click.pass_obj
def backup(settings: Settings, file: Path, models: bool) -> None:
    """Save everything that happened, as of one moment, into one file.

    Safe beside a server that records events. The file fits SQLite and PostgreSQL alike, and only
    its owner may read it.
    """
    _check_place(file)
    store = model_store(settings)
    live = store.current_version() if models else None
    with open_database(settings) as database, progress() as shown:
        contents = _saved(database, store, live, file, shown)
    rows = sum(note.rows for note in contents.tables.values())
    with_model = f", model {live}" if live else ""
    click.echo(
        f"{rows:,} rows of {len(contents.tables)} tables{with_model}: "
        f"{file.stat().st_size / 1e6:,.1f} MB in {file}"
    )


@click.command(epilog="Example: regulars restore /backups/shop-2026-01-31.zip")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace what the database holds now.")
@click.pass_obj
def restore(settings: Settings, file: Path, force: bool) -> None:
    """Bring back what a backup holds, on SQLite or PostgreSQL, whichever it came from.

    The server must be stopped. The file is verified first; until all of it is in its place the
    database stays as it is.
    """
    with progress() as shown, shown.track(f"verifying {file.name}", total=0):
        archive = Archive.open(file)
    truth.check_known(archive)
    _refuse_while_served(settings)
    database = Database.open(settings.database)
    try:
        if not force:
            _refuse_unless_empty(database)
        with progress() as shown:
            _loaded(database, archive, shown)
    finally:
        database.close()
    contents = archive.contents
    click.echo(
        f"{contents.tables['events'].rows:,} events and all that belongs to them are back, as of "
        f"{contents.created_at[:19].replace('T', ' ')} UTC"
    )
    click.echo(_with_model(archive, model_store(settings)))
    if settings.redis_url:
        cache_flush.empty(settings.redis_url)


def _saved(
    database: Database, store: ModelStore, live: str | None, file: Path, shown: Progress
) -> Contents:
    began, total = datetime.now(UTC), truth.rows_in(database)
    try:
        with ArchiveWriter(file) as archive, shown.track("saving", total=total) as advance:
            tables = truth.save(database, archive, _advancing(advance))
            for each in store.files(live) if live else ():
                archive.add_file(f"{_MODELS}{each.name}", each)
            contents = Contents(
                format=FORMAT,
                created_at=began.isoformat(),
                written_by=f"regulars {version_of('regulars')}",
                source=database.dialect,
                revision=schema.newest(),
                tables=tables,
                model=live,
                members={},
            )
            archive.finish(contents)
    except OSError as error:
        raise DataRefused(f"cannot be written: {error.strerror}", source=str(file)) from error
    return contents


def _loaded(database: Database, archive: Archive, shown: Progress) -> None:
    total = sum(note.rows for note in archive.contents.tables.values())
    with shown.track("restoring", total=total) as advance:
        # The pool's own connections are not to be taken for somebody else's.
        database.close()
        if database.dialect != SQLITE:
            truth.load(database, archive, _advancing(advance))
            return
        path = Path(str(database.url.database))
        aside = path.with_name(f".{path.name}.restoring")
        sqlite_file.remove(aside)
        filled = Database.open(f"sqlite:///{aside}")
        try:
            truth.load(filled, archive, _advancing(advance))
            filled.close()
            sqlite_file.replace(path, by=aside)
        finally:
            filled.close()
            sqlite_file.remove(aside)


def _advancing(advance: Callable[[float], None]) -> truth.Told:
    return lambda _table, rows: advance(rows)


def _check_place(file: Path) -> None:
    if not file.absolute().parent.is_dir():
        raise DataRefused(f"there is no folder {file.parent}; make it first", source=str(file))
    if file.exists() and not zipfile.is_zipfile(file):
        raise DataRefused("is there already and is no backup", source=str(file))


def _refuse_while_served(settings: Settings) -> None:
    if served := standings(settings.home):
        ports = ", ".join(path.stem for path in served)
        raise StoreUnavailable(
            f"{settings.home} is served at port {ports}; stop `regulars serve` first"
        )


def _refuse_unless_empty(database: Database) -> None:
    if database.dialect == SQLITE and not Path(str(database.url.database)).exists():
        return
    if truth.holds_anything(database):
        raise StoreUnavailable(
            f"{database.name} is not empty; --force replaces all it holds by the backup"
        )


def _with_model(archive: Archive, store: ModelStore) -> str:
    """Bring back the model, if there is one; what to tell of it."""
    version = archive.contents.model
    if version is None:
        return "No model was in the backup: `regulars train` makes one, if none is live here"
    names = [
        member.removeprefix(_MODELS)
        for member in archive.contents.members
        if member.startswith(_MODELS)
    ]
    if any(Path(name).name != name for name in names):
        raise DataRefused("a file of the model has no plain name", source=version)
    files = {name: partial(archive.extract, f"{_MODELS}{name}") for name in names}
    try:
        store.adopt(version, files)
        store.publish(version)
    except EngineError as error:
        raise StoreUnavailable(f"the events are back, but the model is not: {error}") from error
    return f"Model {version} is live"
