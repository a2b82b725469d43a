"""`regulars train` once more: factors start where the live model's ended, and the answer is one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.store.model_store import ModelStore
from tests.commanding import digests, done, loaded

QUICK = """
[train]
limit = 5
validation_days = 14
test_days = 14
half_lives = [60.0]

[train.ranker]
rounds = 10
windows = 1

[train.warm]
runs = 1
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a live model that started cold."""
    folder = loaded(tmp_path_factory.mktemp("shops") / "home")
    (folder / "quick.toml").write_text(QUICK)
    train(folder)
    return folder


@pytest.fixture(scope="module")
def warmed(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shop, trained once more."""
    folder = a_copy(home, tmp_path_factory.mktemp("shops") / "warmed")
    (folder / "told.txt").write_text(train(folder), encoding="utf-8")
    return folder


def a_copy(home: Path, folder: Path) -> Path:
    shutil.copytree(home, folder)
    return folder


def train(home: Path, *options: str) -> str:
    return done(home, "train", "--config", str(home / "quick.toml"), *options).output


def last(home: Path) -> str:
    return ModelStore(home / "models").versions()[-1]


def arrays_of(home: Path) -> dict[str, str]:
    """The arrays of the last version."""
    return digests(home, last(home))


def factors_of(home: Path) -> dict[str, str]:
    return {name: each for name, each in arrays_of(home).items() if name.startswith("als.")}


def note_of(home: Path) -> dict[str, Any]:
    return dict(ModelStore(home / "models").manifest(last(home)).training["factors"])


def test_the_first_training_starts_cold_and_says_why(home: Path) -> None:
    assert note_of(home) == {"version": None, "runs": 0, "why": "no model is live"}
    assert "Factors cold: no model is live." in done(home, "models", "show").output


def test_the_next_starts_at_the_live_model_and_says_so_everywhere(home: Path, warmed: Path) -> None:
    live, told = last(home), " ".join((warmed / "told.txt").read_text(encoding="utf-8").split())

    shown = " ".join(done(warmed, "models", "show").output.split())

    assert f"refitting on everything, factors warm from {live}" in told
    assert f"Factors warm from {live}, training 1 in a row." in told
    assert f"Factors warm from {live}, training 1 in a row." in shown
    assert note_of(warmed) == {"version": live, "runs": 1, "why": None}


def test_the_same_log_and_live_model_give_the_same_arrays(
    home: Path, warmed: Path, tmp_path: Path
) -> None:
    twin = a_copy(home, tmp_path / "twin")

    train(twin)

    assert arrays_of(twin) == arrays_of(warmed)
    assert factors_of(twin) != factors_of(home)


def test_nothing_warm_is_judged(home: Path, warmed: Path) -> None:
    """A live model knows the test window: what is compared there has not begun at its factors."""
    cold, warm = (
        ModelStore(each / "models").manifest(last(each)).training["metrics"]
        for each in (home, warmed)
    )

    assert warm["regulars"] == cold["regulars"]
    assert warm["ALS, with repeats"] == cold["ALS, with repeats"]


@pytest.mark.parametrize(
    ("options", "why"), [(("--cold",), "as asked"), ((), "1 in a row started warm")]
)
def test_cold_on_demand_or_at_the_end_of_a_chain_it_is_as_if_nothing_had_been_there(
    home: Path, warmed: Path, tmp_path: Path, options: tuple[str, ...], why: str
) -> None:
    twin = a_copy(warmed, tmp_path / "twin")

    train(twin, *options)

    assert note_of(twin) == {"version": None, "runs": 0, "why": why}
    assert arrays_of(twin) == arrays_of(home)
