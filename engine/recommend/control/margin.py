"""More margin for no more relevance than the shop will give up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, FloatArray
from engine.recommend.control.board import Board
from engine.recommend.control.filling import Filled, Stage, fill
from engine.recommend.control.shortlist import Rule

# Halvings of the weight of margin; the last one moves it by less than a hundredth.
HALVINGS = 7


@dataclass(frozen=True)
class Bargain:
    """The stages with margin in them, and what each customer's list gives and gets, (n,)."""

    stages: Sequence[Stage]
    relevance_lost: FloatArray
    margin_gained: FloatArray


def bargain(board: Board, stages: Sequence[Stage], margin: FloatArray) -> Bargain:
    """The most expected margin that costs no more relevance than the control tolerates.

    A list's relevance is the worth of its items, discounted by place as in nDCG, and its
    expected margin that of worth x margin. Items are ranked by (1 - t) worth + t worth x margin,
    which for every t is the best list for its relevance as far as no other rule is in the way
    (Lagrange); t is bisected for each customer, and only lists within the tolerance are taken.
    `margin` (n, w) is in any unit.
    """
    worth = stages[-1].worth
    most = np.abs(np.where(board.here, margin, 0)).max(axis=1, keepdims=True)
    relative = (margin / np.where(most > 0, most, 1)).astype(np.float32)
    plain = _Value.of(fill(board, stages, explained=False), worth, relative)
    least = plain.relevance * (1 - board.control.margin_tolerance)
    low, high = np.zeros(len(worth)), np.ones(len(worth))
    best, taken = plain, low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        tried = [*stages, _priced(worth, relative, middle)]
        value = _Value.of(fill(board, tried, explained=False), worth, relative)
        within = value.relevance >= least
        better = within & (value.margin > best.margin)
        best, taken = value.where(better, best), np.where(better, middle, taken)
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return Bargain(
        stages=[*stages, _priced(worth, relative, taken)],
        relevance_lost=_share(plain.relevance - best.relevance, plain.relevance),
        margin_gained=_share(best.margin - plain.margin, np.abs(plain.margin)),
    )


@dataclass(frozen=True)
class _Value:
    """Discounted relevance and expected margin of a list each, shape (n,)."""

    relevance: DoubleArray
    margin: DoubleArray

    @classmethod
    def of(cls, filled: Filled, worth: FloatArray, relative: FloatArray) -> _Value:
        rows = np.arange(len(worth))[:, None]
        listed = filled.column
        own = np.where(listed >= 0, worth[rows, listed], 0)
        # Järvelin & Kekäläinen (2002) as nDCG has it: 1 / log2(place + 1).
        own = own / np.log2(np.arange(2, listed.shape[1] + 2))
        return cls(own.sum(axis=1), (own * relative[rows, listed]).sum(axis=1))

    def where(self, mask: BoolArray, other: _Value) -> _Value:
        return _Value(
            np.where(mask, self.relevance, other.relevance),
            np.where(mask, self.margin, other.margin),
        )


def _priced(worth: FloatArray, relative: FloatArray, weight: DoubleArray) -> Stage:
    """What candidates are worth when a unit of margin has so much weight, shape (n,)."""
    own = weight.astype(np.float32)[:, None]
    return Stage(Rule.MARGIN, worth * ((1 - own) + own * relative))


def _share(difference: DoubleArray, whole: DoubleArray) -> FloatArray:
    """What the difference is of the whole, shape (n,); 0 of nothing."""
    return np.where(whole > 0, difference / np.where(whole > 0, whole, 1), 0).astype(np.float32)
