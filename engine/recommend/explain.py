"""Why an item is in a list, read off the very numbers that put it there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import FloatArray, LongArray
from engine.domain.histories import Histories
from engine.models.frequency import PersonalFrequency
from engine.models.interactions import bought
from engine.models.model import Model
from engine.models.popularity import Popularity
from engine.models.scorer import Explainer
from engine.recommend.answer import Reason, ReasonCode
from engine.recommend.blend import Blended


@dataclass(frozen=True, slots=True)
class Explained:
    """The scorer that gave an item the largest share of its score, and the reason to tell."""

    source: str
    reason: Reason


def explain(
    model: Model, histories: Histories, blended: Blended, *, row: int, items: LongArray
) -> list[Explained]:
    """Source and reason of each of the items in the list of the customer at `row`.

    `buy_again` when the customer's own purchases of the item speak most for it;
    `because_you_bought` names the other bought item that does; `popular` when no purchase does.
    """
    own = histories.take([row])
    past = bought(own)
    speaking = _speaking(model, own, blended, row=row, items=items)
    sources = _sources(blended, row=row, items=items)
    return [
        Explained(source, _reason(model, source, int(item), past, speaking[:, column]))
        for column, (source, item) in enumerate(zip(sources, items, strict=True))
    ]


def _sources(blended: Blended, *, row: int, items: LongArray) -> list[str]:
    names = list(blended.parts)
    if not names:
        return [Popularity.name] * len(items)
    shares = np.stack([blended.parts[name][row, items] for name in names])
    # Where no scorer has a share, the first one would win: such an item only fills the list.
    return [
        names[index] if share > 0 else Popularity.name
        for index, share in zip(shares.argmax(axis=0), shares.max(axis=0), strict=True)
    ]


def _speaking(
    model: Model, own: Histories, blended: Blended, *, row: int, items: LongArray
) -> FloatArray:
    """What each bought item adds to each listed item's total, shape (bought, len(items))."""
    total = np.zeros((bought(own).shape[0], len(items)), dtype=np.float32)
    if not total.shape[0]:
        return total
    for name in blended.parts:
        scorer = model.scorers[name]
        if isinstance(scorer, Explainer):
            total += scorer.contributions(own, items) * blended.scales[name][row]
    return total


def _reason(
    model: Model, source: str, item: int, past: LongArray | np.ndarray, speaking: FloatArray
) -> Reason:
    if source == PersonalFrequency.name:
        return Reason(ReasonCode.BUY_AGAIN)
    if source == Popularity.name or not (speaking > 0).any():
        return Reason(ReasonCode.POPULAR)
    strongest = int(past[speaking.argmax()])
    if strongest == item:
        return Reason(ReasonCode.BUY_AGAIN)
    return Reason(ReasonCode.BECAUSE_YOU_BOUGHT, model.items[strongest])
