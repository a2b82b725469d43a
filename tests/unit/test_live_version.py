"""Without a live model the error names what there is, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ModelUnavailable
from engine.store.model_store import ModelStore
from tests.fakes import a_model
from training.wiring import live_version


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


def written(store: ModelStore, version: str) -> None:
    store.save(a_model(version), created_at="2026-01-01T00:00:00Z", training={})


def test_before_the_first_training_the_remedy_is_to_train(store: ModelStore) -> None:
    with pytest.raises(ModelUnavailable, match=r"^no model is live; run `regulars train` first$"):
        live_version(store)


def test_what_was_withheld_is_named_the_latest(store: ModelStore) -> None:
    written(store, "m1")
    written(store, "m2")

    with pytest.raises(ModelUnavailable, match=r"m2 was trained but not published.*promote m2"):
        live_version(store)


def test_the_live_version_is_the_published_one(store: ModelStore) -> None:
    written(store, "m1")
    written(store, "m2")
    store.publish("m1")

    assert live_version(store) == "m1"
