"""Where the factors of a model that is published start: where the live model's ended, or anew.

Alternating least squares descend from wherever they start, and every fit sees all purchases, so no
error adds up from one training to the next as it does where models learn from new purchases only.
What may is a valley that was the lowest when the chain began. Therefore a chain of warm starts is
cut by a cold one now and then, and where the items have become others.

Only the refit on everything starts warm. The live model has seen the windows that models are tuned
and judged by: starting from it there would let it tell what it saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.domain.ids import MISSING, IdTable
from engine.errors import ModelUnavailable
from engine.models.als import Als
from engine.models.model import Model
from engine.store.model_store import Manifest, ModelStore
from training.config import TrainConfig
from training.fitting.als import Warm
from training.history import Purchases


@dataclass(frozen=True)
class Start:
    """Where factors start: at those of a live `version`, or at random for the reason `why`.

    `runs` counts the trainings in a row that started warm, this one among them.
    """

    warm: Warm | None = None
    version: str | None = None
    runs: int = 0
    why: str | None = None

    def note(self) -> dict[str, Any]:
        """What is recorded of it."""
        return {"version": self.version, "runs": self.runs, "why": self.why}


def start_of(store: ModelStore, purchases: Purchases, *, config: TrainConfig) -> Start:
    """Where the factors for these purchases may start.

    At the live model's where it has the same ALS configuration and seed, knows no later purchases
    and nearly the same items, and is no more than `config.warm.runs` trainings from a cold start.
    """
    if not config.warm.runs:
        return Start(why="as asked")
    try:
        version = store.current_version()
        if version is None:
            return Start(why="no model is live")
        manifest = store.manifest(version)
        why = _recorded_against(manifest, purchases.until_ms, config)
        return Start(why=why) if why else _at(store.load(version), manifest, purchases, config)
    except ModelUnavailable as error:
        return Start(why=f"the live model cannot be read: {error}")


def told(note: Mapping[str, Any]) -> str:
    """A recorded start in words, after the word "factors"."""
    if note["version"] is None:
        return f"cold: {note['why']}"
    return f"warm from {note['version']}, training {note['runs']} in a row"


def runs_of(training: Mapping[str, Any]) -> int:
    """How many trainings in a row had started warm when a version was made."""
    return int(training.get("factors", {}).get("runs", 0))


def changed(before: IdTable, now: IdTable) -> float:
    """The share of items, of the larger table, that are not in both."""
    both, most = int((before.indices(now.ids) != MISSING).sum()), max(len(before), len(now))
    return 1 - both / most if most else 0.0


def _recorded_against(manifest: Manifest, until_ms: int, config: TrainConfig) -> str | None:
    """What a version's manifest says against starting from it, None for nothing."""
    own, asked = manifest.training.get("config", {}), msgspec.to_builtins(config)
    if any(own.get(name) != asked[name] for name in ("als", "seed")):
        return "the live model's are of another configuration"
    if manifest.params.get("until_ms", until_ms) > until_ms:
        return "the live model knows later purchases"
    runs = runs_of(manifest.training)
    return None if runs < config.warm.runs else f"{runs} in a row started warm"


def _at(model: Model, manifest: Manifest, purchases: Purchases, config: TrainConfig) -> Start:
    """A start at the model's factors, if they are of nearly the same items."""
    als = model.scorers.get(Als.name)
    if not isinstance(als, Als):
        return Start(why="the live model has none")
    share = changed(model.items, purchases.items)
    if share > config.warm.item_change:
        return Start(why=f"{share:.0%} of the items came or went")
    return Start(Warm.of(als, model.items), model.version, runs_of(manifest.training) + 1)
