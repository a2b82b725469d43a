"""A database that need not be there yet when a worker starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from engine.store.database import Database


class LateDatabase(Database):
    """Brings its tables up to date before its first use, not when it is made.

    While that fails, because the database is away or was written by newer code, every use raises
    StoreUnavailable and nothing is written.
    """

    _current = False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection in a transaction that sees one state of the database."""
        self._bring_up_to_date()
        with super().read() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a transaction that commits at the end, or not at all on an exception."""
        self._bring_up_to_date()
        with super().write() as connection:
            yield connection

    @contextmanager
    def write_lazily(self) -> Iterator[Connection]:
        """Like `write`, without waiting for the disk."""
        self._bring_up_to_date()
        with super().write_lazily() as connection:
            yield connection

    def _bring_up_to_date(self) -> None:
        if not self._current:
            # Through a plain one: an upgrade reads and writes itself. Two at once do no harm.
            Database(self._engine, url=self.url).upgrade()
            self._current = True
