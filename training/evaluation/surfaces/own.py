"""Lists for customers with a past: what to buy again, and what to discover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from engine.domain.arrays import LongArray
from engine.domain.histories import Histories
from engine.models.model import Model
from engine.recommend.answer import CatalogView, Request
from engine.recommend.recommender import Recommender
from training.contest import alone
from training.evaluate import BASELINE, FINAL, POPULAR, SINGLES
from training.evaluation.surfaces.field import Field
from training.evaluation.surfaces.judged import Asked, judged, of_lists
from training.evaluation.surfaces.results import Surface
from training.windows import Window, only_new

BUY_AGAIN = Asked(
    "Buy again",
    "Of what customers bought that they had bought before: is it in their list of such items?",
    "customer",
)
DISCOVER = Asked(
    "Discover",
    "Of what customers bought for the first time: is it in their list of items new to them?",
    "customer",
)
LATEST = "bought last"
# By what a row is called here, what the single scorer is called where repeats are shown.
_AGAIN = {BASELINE: BASELINE, "repurchase timing": "repurchase timing"}
_NEW = {POPULAR: POPULAR, "item-item": "item-item", "EASE": "EASE", "ALS": "ALS, with repeats"}


def buy_again(field: Field) -> Surface | None:
    """Repeat purchases only, against personal frequency, timing alone, and the latest first."""
    window, many = _drawn(field, _only_repeats(field.target), BUY_AGAIN)
    request = Request(limit=field.extent.limit, again_only=True)
    lists = {
        FINAL: _lists(field, field.model, window.histories, request),
        **_singles(field, _AGAIN, window.histories, request),
        LATEST: [_latest(field, window.histories, row) for row in range(len(window.truths))],
    }
    values = of_lists(lists, window.truths, items=field.items, limit=request.limit)
    return judged(BUY_AGAIN, values, drawn_from=many, rng=field.rng(BUY_AGAIN.name))


def discover(field: Field) -> Surface | None:
    """First purchases only, against popularity, item-item, EASE and ALS, all without repeats."""
    window, many = _drawn(field, only_new(field.target), DISCOVER)
    request = Request(limit=field.extent.limit, new_only=True)
    lists = {
        FINAL: _lists(field, field.model, window.histories, request),
        **_singles(field, _NEW, window.histories, request),
    }
    values = of_lists(lists, window.truths, items=field.items, limit=request.limit)
    return judged(DISCOVER, values, drawn_from=many, rng=field.rng(DISCOVER.name))


def _lists(field: Field, model: Model, histories: Histories, request: Request) -> list[LongArray]:
    recommender = Recommender(model, cooldown=field.cooldown)
    blocks = recommender.rank(histories, request, view=CatalogView(), now_ms=field.start_ms)
    return [block.items(row) for block in blocks for row in range(len(block.scored.query))]


def _singles(
    field: Field, named: Mapping[str, str], histories: Histories, request: Request
) -> dict[str, list[LongArray]]:
    """The lists of single scorers, of those that the model has."""
    weights = {name: SINGLES[single] for name, single in named.items()}
    return {
        name: _lists(field, alone(field.model, own), histories, request)
        for name, own in weights.items()
        if own.keys() <= field.model.scorers.keys()
    }


def _drawn(field: Field, window: Window, asked: Asked) -> tuple[Window, int]:
    """The customers that are tried, and how many there were."""
    rows = field.drawn(field.rng(asked.name), len(window.truths))
    tried = replace(
        window,
        histories=window.histories.take(rows),
        truths=[window.truths[row] for row in rows.tolist()],
    )
    return tried, len(window.truths)


def _only_repeats(window: Window) -> Window:
    rows = [row for row, truth in enumerate(window.truths) if len(truth.repeat)]
    nothing: LongArray = np.zeros(0, dtype=np.int64)
    return replace(
        window,
        histories=window.histories.take(rows),
        truths=[replace(window.truths[row], explore=nothing, unseen=0) for row in rows],
    )


def _latest(field: Field, histories: Histories, row: int) -> LongArray:
    """The customer's items, what was bought last first, but for what the cooldown keeps back."""
    own = slice(int(histories.indptr[row]), int(histories.indptr[row + 1]))
    since_ms = field.start_ms - field.cooldown.total_seconds() * 1000
    item, at = histories.item[own][::-1], histories.at[own][::-1]
    kept = (item >= 0) & ~np.isin(item, item[at > since_ms])
    found = list(dict.fromkeys(item[kept].tolist()))[: field.extent.limit]
    return np.asarray(found, dtype=np.int64)
