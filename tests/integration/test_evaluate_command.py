"""`regulars evaluate`, `compare` and `tune` as a user meets them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.errors import DataRefused, ModelUnavailable, StoreUnavailable
from engine.settings import Settings
from engine.store.file_lock import FileLock
from engine.store.model_store import ModelStore
from tests.commanding import done, loaded, refused, run
from training.config import load_config

QUICK = """
[train]
limit = 5
validation_days = 14
test_days = 14
half_lives = [60.0]

[train.ranker]
rounds = 10
windows = 1
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with two versions, the second live, which differ in their factors."""
    folder = loaded(tmp_path_factory.mktemp("shops") / "home")
    config = folder / "quick.toml"
    config.write_text(QUICK)
    done(folder, "train", "--config", str(config))
    other = folder / "other.toml"
    other.write_text(f"{QUICK}\n[train.als]\nfactors = 8\n")
    done(folder, "train", "--config", str(other))
    return folder


def versions(home: Path) -> list[str]:
    return ModelStore(home / "models").versions()


def test_a_model_is_compared_with_its_scorers_on_what_it_has_not_seen(home: Path) -> None:
    result = done(home, "evaluate")

    report = home / "reports" / f"evaluation-{versions(home)[1]}.html"
    text = report.read_text(encoding="utf-8")
    for name in ("regulars", "blend", "popularity", "personal frequency", "ALS as by default"):
        assert name in result.stdout
        assert name in text
    assert "Discover: new to the customer" in result.stdout
    assert "Discover: new to the customer" in text
    assert f"The report is in {report}" in result.stdout
    assert "was trained again, by its recorded recipe" in text


def test_every_list_is_tried_for_its_own_purpose(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "surfaces.html"

    result = done(home, "evaluate", "--surfaces", "--made-up-margins", "--output", str(target))

    text = target.read_text(encoding="utf-8")
    for name in ("Buy again", "Bought together", "Complete the basket", "Anonymous visit"):
        assert name in result.stdout
        assert name in text
    assert "What control costs" in text
    assert "Margins here are made up" in " ".join(result.stdout.split())
    assert "Each list for its own purpose" in text


def test_the_recipe_trained_again_does_as_well_as_it_did_when_it_was_trained(home: Path) -> None:
    recorded = ModelStore(home / "models").manifest(versions(home)[1]).training["metrics"]

    result = done(home, "evaluate")

    row = next(line for line in result.stdout.splitlines() if line.strip().startswith("regulars "))
    overall = recorded["regulars"]["overall"]["ndcg"]
    if "is better" in row or "cannot be told" in row:
        row = next(line for line in result.stdout.splitlines() if line.startswith(" regulars  "))
    assert row.split()[1] == f"{overall:.3f}".removeprefix("0")


def test_a_longer_test_window_than_the_recipe_was_kept_from_is_told(home: Path, tmp_path) -> None:
    target = tmp_path / "long.html"

    done(home, "evaluate", "--test-days", "28", "--output", str(target))

    assert "was there when its recipe was settled" in target.read_text(encoding="utf-8")


def test_two_versions_are_compared_on_one_window(home: Path, tmp_path: Path) -> None:
    first, second = versions(home)
    target = tmp_path / "compared.html"

    result = done(home, "compare", first, second, "--output", str(target))

    text = target.read_text(encoding="utf-8")
    assert first in text and second in text
    assert f"Against {second}" in " ".join(result.stdout.split())
    assert "personal frequency" in result.stdout


def test_a_version_is_no_match_for_itself(home: Path) -> None:
    result = run(home, "compare", "v1", "v1")

    assert result.exit_code == 2
    assert "name two versions" in result.output


def test_a_file_of_what_came_next_judges_the_model_as_it_is(home: Path, tmp_path: Path) -> None:
    truth = tmp_path / "next.csv"
    truth.write_text(
        "Client,item_id\nc000,item-01\nc000,never-seen\nc003,item-02\nnobody,item-01\n"
    )

    result = done(home, "evaluate", "--truth", str(truth), "--map", "customer_id=Client", "--whole")

    assert "2 customers" in result.stdout
    assert "nDCG, whole basket" in " ".join(result.stdout.split())
    report = home / "reports" / f"evaluation-{versions(home)[1]}.html"
    assert "1 more bought in the window; not scored" in report.read_text(encoding="utf-8")


def test_a_truth_of_strangers_is_refused(home: Path, tmp_path: Path) -> None:
    truth = tmp_path / "next.csv"
    truth.write_text("customer_id,item_id\nnobody,item-01\n")

    assert "none of the 1 customers" in refused(home, "evaluate", "--truth", str(truth))


def test_options_of_the_truth_need_one(home: Path) -> None:
    assert run(home, "evaluate", "--as-of", "2026-01-01").exit_code == 2
    assert run(home, "evaluate", "--test-days", "0").exit_code == 2
    assert run(home, "evaluate", "--made-up-margins").exit_code == 2
    truth = home / "quick.toml"
    assert run(home, "evaluate", "--truth", str(truth), "--surfaces").exit_code == 2


def test_without_a_model_there_is_nothing_to_evaluate(tmp_path: Path) -> None:
    result = run(tmp_path, "evaluate")

    assert isinstance(result.exception, ModelUnavailable)
    assert "regulars train" in str(result.exception)


def test_a_test_window_of_all_there_is_leaves_nothing_to_learn_from(home: Path) -> None:
    assert "--test-days 400 leaves no purchase" in refused(home, "evaluate", "--test-days", "400")


def test_tuning_writes_what_training_reads_and_goes_on_where_it_was(
    home: Path, tmp_path: Path
) -> None:
    config, target = home / "quick.toml", tmp_path / "tuned.toml"
    words = ("tune", "--config", str(config), "--output", str(target), "--budget")

    first = done(home, *words, "1s")
    again = done(home, *words, "25s")

    assert "1 trial, 1 of them now" in first.stdout
    trials, now, *_ = (int(word) for word in again.stdout.split() if word.isdigit())
    assert trials == now + 1 > 1
    tuned = load_config(target)
    assert tuned.test_days == 14
    assert tuned.ranker.rounds == 10
    assert f"regulars train --config {target}" in again.stdout
    shutil.rmtree(home / "tuning")


def test_training_with_a_budget_tunes_first(home: Path) -> None:
    result = run(home, "train", "--config", str(home / "quick.toml"), "--budget", "1s")

    assert "1 trial, 1 of them now" in result.stdout
    assert len(versions(home)) == 3


def test_two_do_not_tune_at_once(home: Path) -> None:
    (home / "tuning").mkdir(exist_ok=True)
    lock = FileLock.take(home / "tuning" / "lock", wait_seconds=0)

    result = run(home, "tune", "--config", str(home / "quick.toml"), "--budget", "1s")

    lock.release()
    assert isinstance(result.exception, StoreUnavailable)
    assert "another tuning" in str(result.exception)


@pytest.mark.parametrize("budget", ["soon", "10", "0m", "-5m", "999h999"])
def test_a_budget_is_a_time_span(tmp_path: Path, budget: str) -> None:
    result = run(tmp_path, "tune", "--budget", budget)

    assert result.exit_code == 2
    assert "--budget" in result.output


def test_an_empty_log_gives_nothing_to_tune(tmp_path: Path) -> None:
    result = run(tmp_path / "new", "tune", "--budget", "1s")

    assert isinstance(result.exception, DataRefused)
    assert "regulars ingest" in str(result.exception)
    assert not Settings(home=tmp_path).models_folder.exists()
