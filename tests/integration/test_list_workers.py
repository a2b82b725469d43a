"""Lists made in several processes are those that one process makes, and nobody waits for ever."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.domain.customers import StoredCustomer
from engine.domain.events import to_ms
from engine.errors import ModelUnavailable
from engine.recommend.answer import CatalogView, Request
from engine.settings import Settings
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.model_store import ModelStore
from tests.commanding import done, loaded
from training import list_workers
from training.list_workers import Wanted, making

QUICK = """
[train]
validation_days = 14
test_days = 14
half_lives = [60.0]

[train.ranker]
rounds = 10
windows = 1
"""
PAGE = 16


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = loaded(tmp_path_factory.mktemp("shops") / "home")
    (folder / "quick.toml").write_text(QUICK)
    done(folder, "train", "--config", str(folder / "quick.toml"))
    return folder


@pytest.fixture
def two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few customers and cores there are."""
    monkeypatch.setattr(list_workers, "ALONE", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


@pytest.fixture
def wanted(home: Path) -> Wanted:
    version = ModelStore(home / "models").current_version()
    assert version is not None
    now_ms = to_ms(datetime.now(UTC))
    return Wanted(Settings(home=home), version, Request(), CatalogView(), now_ms)


@pytest.fixture
def pages(home: Path) -> Iterator[list[list[StoredCustomer]]]:
    database = Database.open(f"sqlite:///{home / 'regulars.db'}")
    yield list(SqlCustomers(database).pages(size=PAGE))
    database.close()


def test_the_file_is_the_same_however_many_processes_make_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr("training.commands.recommend.PAGE", PAGE)
    one = listed(home, tmp_path / "one.jsonl")
    request.getfixturevalue("two_processes")

    two = listed(home, tmp_path / "two.jsonl")

    assert two == one


def listed(home: Path, target: Path) -> list[tuple[str, int, str]]:
    """Everyone's lists; scores move in their last digit with the second they are worked out in."""
    done(home, "recommend", "--all", "--output", str(target))
    rows = map(json.loads, target.read_text(encoding="utf-8").splitlines())
    return [(row["customer_id"], row["rank"], row["item_id"]) for row in rows]


@pytest.mark.usefixtures("two_processes")
def test_pages_come_back_in_order_each_with_its_own_lists(
    wanted: Wanted, pages: list[list[StoredCustomer]]
) -> None:
    recommender = wanted.recommender()

    with making(wanted, recommender, customers=len(pages)) as make:
        began = len(multiprocessing.active_children())
        made = list(make(iter(pages)))
        busy = len(multiprocessing.active_children())

    assert (began, busy) == (0, 2)
    assert [page for page, _ in made] == pages
    assert [lists for _, lists in made] == [wanted.lists(recommender, each) for each in pages]
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("two_processes")
def test_a_process_that_is_killed_is_told_and_nobody_waits(
    wanted: Wanted, pages: list[list[StoredCustomer]]
) -> None:
    def until_one_is_killed() -> Iterator[list[StoredCustomer]]:
        yield from pages[:2]
        multiprocessing.active_children()[0].kill()
        while True:
            yield pages[2]

    with (
        pytest.raises(ModelUnavailable, match=r"ended from outside.*run the command again"),
        making(wanted, wanted.recommender(), customers=len(pages)) as make,
    ):
        for _ in make(until_one_is_killed()):
            pass

    assert not multiprocessing.active_children()


def test_a_few_lists_are_made_here(wanted: Wanted, pages: list[list[StoredCustomer]]) -> None:
    with making(wanted, wanted.recommender(), customers=len(pages)) as make:
        assert len(list(make(pages))) == len(pages)
        assert not multiprocessing.active_children()
