"""Past windows as rows to learn from: candidates as of a cut, and which were bought then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray, LongArray
from engine.models.goals import Goal
from engine.models.model import Model
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.recommend.ahead import ahead
from engine.recommend.answer import Request
from engine.recommend.eligibility import Rules
from engine.recommend.features.held import position_in
from engine.recommend.features.matrix import columns, matrix
from engine.recommend.recommender import AT_ONCE, BLOCK, Recommender
from engine.recommend.scoring import asked_of
from training.evaluation.metrics import Truth
from training.windows import Window


@dataclass(frozen=True)
class Rows:
    """Candidates of the customers of one window, customer by customer.

    `features` (rows, len(names)), `bought` and `own` (rows,): bought in the window, and before;
    `size` (customers,): how many rows each has.
    """

    names: tuple[str, ...]
    features: FloatArray
    bought: BoolArray
    own: BoolArray
    size: LongArray

    def new_only(self) -> Rows:
        """The rows of items that were new to their customers."""
        return self._where(~self.own)

    def told_apart(self) -> Rows:
        """The rows of customers who bought some of their candidates: others teach no order."""
        some = np.bincount(self._customer()[self.bought], minlength=len(self.size)) > 0
        return self._where(some[self._customer()])

    def _customer(self) -> LongArray:
        return np.arange(len(self.size)).repeat(self.size)

    def _where(self, mask: BoolArray) -> Rows:
        size = np.bincount(self._customer()[mask], minlength=len(self.size))
        return Rows(
            self.names,
            self.features[mask],
            self.bought[mask],
            self.own[mask],
            size[size > 0],
        )


def rows_of(model: Model, window: Window) -> Rows:
    """The rows of a window, by the code that answers requests."""
    recommender = Recommender(model, cooldown=timedelta(0))
    blocks = [
        np.arange(start, min(start + BLOCK, len(window.truths)))
        for start in range(0, len(window.truths), BLOCK)
    ]
    work = partial(_block, recommender, window)
    return joined(list(ahead(work, blocks, workers=AT_ONCE)))


def joined(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts."""
    return Rows(
        parts[0].names,
        np.concatenate([each.features for each in parts]),
        np.concatenate([each.bought for each in parts]),
        np.concatenate([each.own for each in parts]),
        np.concatenate([each.size for each in parts]),
    )


def _block(recommender: Recommender, window: Window, rows: LongArray) -> Rows:
    query = Query(window.histories.take(rows), window.start_ms)
    scored = recommender.scored(query, Request(), Rules({}, None), goal=Goal.ANY)
    asked = asked_of(recommender.model, query, scored.pairs, scored.said)
    known = columns(asked)
    items = len(recommender.model.items)
    wanted = _wanted([window.truths[row] for row in rows])
    return Rows(
        names=tuple(known),
        features=matrix(known, tuple(known), rows=len(scored.pairs)),
        bought=position_in(wanted, scored.pairs, items=items) >= 0,
        own=asked.position >= 0,
        size=np.diff(scored.pairs.indptr),
    )


def _wanted(truths: Sequence[Truth]) -> Pairs:
    own = [np.concatenate([truth.repeat, truth.explore]) for truth in truths]
    row = np.arange(len(own)).repeat([len(each) for each in own])
    return Pairs.of(row, np.concatenate(own), customers=len(own))
