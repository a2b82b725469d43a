"""The live model: there, whole, and not too old."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from engine.errors import ModelUnavailable
from engine.store.model_store import Manifest, ModelStore
from training.doctor.finding import Deployment, Finding, broken, ok, spelled, unless, warning

OLD = timedelta(days=7)


def model(deployment: Deployment) -> Iterator[Finding]:
    """Which model is live, since when, and whether its files are what was written."""
    store = ModelStore(deployment.settings.models_folder)
    try:
        version = store.current_version()
    except ModelUnavailable as error:
        yield broken(
            "model", str(error), f"The versions are folders in {deployment.settings.models_folder}."
        )
        return
    if version is None:
        remedy = "Run `regulars train`; everyone sees best sellers until then."
        yield warning("model", "none is live", remedy)
        return
    yield from _version(store, version, deployment.clock())


def _version(store: ModelStore, version: str, now: datetime) -> Iterator[Finding]:
    try:
        manifest = store.manifest(version)
        yield _age(manifest, now)
        store.load(version)
    except ModelUnavailable as error:
        remedy = (
            "Run `regulars models rollback` for the one before, or `regulars train` for another."
        )
        yield broken("model", str(error), remedy)
        return
    size = sum(note.bytes for note in manifest.files.values())
    checked = f"{len(manifest.files)} files, {size / 1e6:.1f} MB, each as its checksum says"
    yield ok("model files", checked)


def _age(manifest: Manifest, now: datetime) -> Finding:
    try:
        created = datetime.fromisoformat(manifest.created_at)
    except ValueError:
        remedy = "Run `regulars train`, which writes another."
        return warning("model", f"{manifest.version} does not say when it was written", remedy)
    age = now - created.replace(tzinfo=created.tzinfo or UTC)
    remedy = "Run `regulars train`, every night if you can: it does not know what came since."
    found = f"{manifest.version} is live, {spelled(age)} old"
    return unless(age <= OLD, warning("model", found, remedy))
