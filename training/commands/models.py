"""`regulars models`: the versions there are, and which of them is live."""

from __future__ import annotations

import json
from typing import Any

import click
import msgspec
from rich.table import Table

from engine.errors import ModelUnavailable
from engine.settings import Settings
from engine.store.model_store import ModelStore
from training.commands.warm_option import warm_option, warmed
from training.evaluate import FINAL
from training.tables import history_lines, manifest_table
from training.terminal import console
from training.wiring import live_version, model_store


@click.group(epilog="Example: regulars models list")
def models() -> None:
    """List, show, promote and roll back model versions."""


@models.command("list", epilog="Example: regulars models list")
@click.pass_obj
def list_versions(settings: Settings) -> None:
    """All versions, oldest first; the live one is marked."""
    store = model_store(settings)
    live = store.current_version()
    shown = Table(box=None, pad_edge=False)
    for heading in ("", "version", "written", "items", "nDCG", "gate"):
        shown.add_column(heading)
    for version in store.versions():
        shown.add_row("*" if version == live else "", version, *_summary(store, version))
    if not shown.rows:
        raise ModelUnavailable("there is no model yet; run `regulars train`")
    console().print(shown)


@models.command(epilog="Example: regulars models show 20260131T020000Z-1a2b3c")
@click.argument("version", required=False)
@click.option("--json", "as_json", is_flag=True, help="The whole manifest.")
@click.pass_obj
def show(settings: Settings, version: str | None, as_json: bool) -> None:
    """What is recorded of a version, the live one by default."""
    store = model_store(settings)
    manifest = store.manifest(version or live_version(store))
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(manifest), indent=2))
        return
    out = console()
    out.print(f"{manifest.version}, written {manifest.created_at[:19].replace('T', ' ')} UTC")
    for line in history_lines(manifest.training):
        out.print(line)
    out.print(manifest_table(manifest.training))
    for line in manifest.training.get("gate", {}).get("reasons", ()):
        out.print(f"Gate: {line}")
    size = sum(note.bytes for note in manifest.files.values())
    out.print(f"{len(manifest.files)} files, {size / 1e6:.1f} MB; --json prints everything.")


@models.command(epilog="Example: regulars models promote 20260131T020000Z-1a2b3c")
@click.argument("version")
@warm_option
@click.pass_obj
def promote(settings: Settings, version: str, warm: int | None) -> None:
    """Make a version live; running servers change over within a second."""
    made_live(settings, version, warm=warm)


@click.command(epilog="Example: regulars publish --warm 1000")
@click.argument("version", required=False)
@warm_option
@click.pass_obj
def publish(settings: Settings, version: str | None, warm: int | None) -> None:
    """Make a version live, by default the newest that passed its gate.

    With --warm running servers change over when the lists of those customers are made, after a
    minute at most.
    """
    made_live(settings, version or _newest(model_store(settings)), warm=warm)


def made_live(settings: Settings, version: str, *, warm: int | None) -> None:
    """Publish a version and say so."""
    model_store(settings).publish(version, warm=warmed(settings, warm).warm_customers)
    click.echo(f"{version} is live")


@models.command(epilog="Example: regulars models rollback")
@click.pass_obj
def rollback(settings: Settings) -> None:
    """Make the version live again that was live before this one."""
    click.echo(f"{model_store(settings).rollback()} is live")


def _newest(store: ModelStore) -> str:
    for version in reversed(store.versions()):
        if store.manifest(version).training.get("gate", {}).get("passed"):
            return version
    raise ModelUnavailable("no model has passed its gate; `regulars models list` names all")


def _summary(store: ModelStore, version: str) -> tuple[str, ...]:
    try:
        manifest = store.manifest(version)
    except ModelUnavailable:
        return ("unreadable", "", "", "")
    training: dict[str, Any] = manifest.training
    ndcg = training.get("metrics", {}).get(FINAL, {}).get("overall", {}).get("ndcg")
    passed = training.get("gate", {}).get("passed")
    offsets = manifest.files.get("items.offsets")
    return (
        manifest.created_at[:19].replace("T", " "),
        f"{offsets.shape[0] - 1:,}" if offsets else "",
        "-" if ndcg is None else f"{ndcg:.4f}",
        "passed" if passed else "refused",
    )
