"""Model versions on disk."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import ModelUnavailable, StoreUnavailable
from engine.models.model import Model
from engine.models.query import Query
from engine.store.model_store import ModelStore
from tests.builders import a_history, a_model, histories


@pytest.fixture
def store(tmp_path) -> ModelStore:
    return ModelStore(tmp_path / "models")


def saved(store: ModelStore, version: str) -> Model:
    model = a_model(version=version)
    store.save(model, created_at="2026-01-01T00:00:00+00:00", training={"note": 1})
    return model


def test_a_loaded_model_scores_like_the_saved_one(store: ModelStore) -> None:
    model = saved(store, "v1")

    loaded = store.load("v1")

    past = histories(model.items, {"anna": a_history((0, ["apple"]), (9, ["eggs"]))})
    query = Query(past, model.until_ms)
    assert loaded.items.ids == model.items.ids
    assert loaded.blends == model.blends
    for name, scorer in model.scorers.items():
        found = loaded.scorers[name].score(query).dense()
        np.testing.assert_array_equal(found, scorer.score(query).dense())


def test_large_arrays_are_mapped_not_read(store: ModelStore) -> None:
    saved(store, "v1")

    loaded = store.load("v1")

    factors = loaded.scorers["als"].arrays()["item_factors"]
    assert isinstance(factors.base, np.memmap) or isinstance(factors, np.memmap)


def test_the_manifest_names_every_file_with_shape_and_checksum(store: ModelStore) -> None:
    saved(store, "v1")

    manifest = store.manifest("v1")

    assert manifest.training == {"note": 1}
    assert manifest.files["als.item_factors"].shape == (5, 3)
    assert all(len(note.sha256) == 64 for note in manifest.files.values())


def test_nothing_is_live_before_it_is_published(store: ModelStore) -> None:
    saved(store, "v1")

    assert store.versions() == ["v1"]
    assert store.current_version() is None


def test_rolling_back_makes_the_version_before_live_again(store: ModelStore) -> None:
    for version in ("v1", "v2", "v3"):
        saved(store, version)
        store.publish(version)

    assert store.rollback() == "v2"
    assert store.rollback() == "v1"
    assert store.current_version() == "v1"
    with pytest.raises(ModelUnavailable, match="no earlier model"):
        store.rollback()


def test_publishing_what_is_live_already_keeps_the_way_back(store: ModelStore) -> None:
    for version in ("v1", "v2", "v2"):
        if version not in store.versions():
            saved(store, version)
        store.publish(version)

    assert store.rollback() == "v1"


def test_a_changed_byte_is_noticed_and_never_goes_live(store: ModelStore, tmp_path) -> None:
    for version in ("v1", "v2"):
        saved(store, version)
    store.publish("v1")
    path = tmp_path / "models" / "v2" / "als.item_factors.npy"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    with pytest.raises(ModelUnavailable, match="checksum"):
        store.publish("v2")

    assert store.current_version() == "v1"


@pytest.mark.parametrize(
    "breakage",
    [
        lambda folder: (folder / "popularity.weights.npy").unlink(),
        lambda folder: (folder / "popularity.weights.npy").write_bytes(b""),
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "manifest.json").unlink(),
    ],
)
def test_a_broken_version_is_refused_in_words(store: ModelStore, tmp_path, breakage) -> None:
    saved(store, "v1")
    breakage(tmp_path / "models" / "v1")

    with pytest.raises(ModelUnavailable, match="v1"):
        store.load("v1")


def test_rolling_back_passes_over_what_is_broken(store: ModelStore, tmp_path) -> None:
    for version in ("v1", "v2", "v3"):
        saved(store, version)
        store.publish(version)
    (tmp_path / "models" / "v2" / "items.text.npy").unlink()

    assert store.rollback() == "v1"


@pytest.mark.parametrize("version", ["../escape", "", ".hidden", "a/b", "x" * 101])
def test_a_version_is_a_plain_name(store: ModelStore, version: str) -> None:
    with pytest.raises(ModelUnavailable, match="no model version"):
        store.load(version)


def test_an_unreadable_pointer_says_what_to_do(store: ModelStore, tmp_path) -> None:
    saved(store, "v1")
    (tmp_path / "models" / "current").write_text("garbage")

    with pytest.raises(ModelUnavailable, match="promote"):
        store.current_version()


def test_promoting_a_version_repairs_an_unreadable_pointer(store: ModelStore, tmp_path) -> None:
    saved(store, "v1")
    (tmp_path / "models" / "current").write_text("garbage")

    store.publish("v1")

    assert store.current_version() == "v1"


def test_a_version_is_written_once(store: ModelStore) -> None:
    saved(store, "v1")

    with pytest.raises(StoreUnavailable, match="exists already"):
        saved(store, "v1")


def test_a_folder_that_cannot_be_written_is_named(tmp_path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    with pytest.raises(StoreUnavailable, match="cannot be written"):
        saved(ModelStore(blocked / "models"), "v1")
