"""Where the commands get their parts from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from engine.domain.events import check_id
from engine.errors import ModelUnavailable, RequestInvalid
from engine.settings import Settings
from engine.store.database import Database
from engine.store.model_store import ModelStore


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """The truth, migrated to this version of the program, closed afterwards."""
    database = Database.open(settings.database)
    try:
        database.upgrade()
        yield database
    finally:
        database.close()


def model_store(settings: Settings) -> ModelStore:
    """The model versions of this home."""
    return ModelStore(settings.models_folder)


def live_version(store: ModelStore) -> str:
    """The live version; raises ModelUnavailable, with what to do, when there is none."""
    version = store.current_version()
    if version is None:
        raise ModelUnavailable(f"no model is live; {_remedy(store.versions())}")
    return version


def _remedy(versions: Sequence[str]) -> str:
    if not versions:
        return "run `regulars train` first"
    last = versions[-1]
    return (
        f"{last} was trained but not published: `regulars models show {last}` says why, "
        f"`regulars models promote {last}` makes it live, `regulars train` tries again"
    )


def moment(text: str) -> datetime:
    """A day or time given by a user, in UTC; raises BadParameter for anything else."""
    try:
        given = datetime.fromisoformat(text)
        return given.replace(tzinfo=given.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{text!r} is no date; write it as 2026-01-31") from error


def identifier(_context: click.Context, parameter: click.Parameter, text: str) -> str:
    """An id given by a user, as a callback of click; raises BadParameter for what is none."""
    try:
        check_id(text, field=repr(text[:40]))
    except RequestInvalid as error:
        raise click.BadParameter(str(error), param_hint=parameter.human_readable_name) from error
    return text
