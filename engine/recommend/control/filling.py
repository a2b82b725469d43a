"""Filling the places of lists one after the other, for all customers at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.domain.arrays import BoolArray, FloatArray, IntArray, LongArray
from engine.recommend.control.board import Board
from engine.recommend.control.exploration import drawn
from engine.recommend.control.shortlist import Rule

# Steck (2018): the share of the own mix that is blended into that of the list, so that the
# divergence stays finite.
SMOOTHING = np.float32(0.01)
_LEAST_SHARE = np.float32(1e-6)


@dataclass(frozen=True)
class Stage:
    """What candidates are worth, shape (n, w), once a rule has had its say."""

    rule: Rule
    worth: FloatArray


@dataclass(frozen=True)
class Filled:
    """The candidate of each place, -1 for none, by what rule, and how likely: (n, places)."""

    column: LongArray
    rule: NDArray[np.int8]
    propensity: FloatArray


def fill(board: Board, stages: Sequence[Stage], *, explained: bool = True) -> Filled:
    """Lists by the worth of the last stage, place by place, and by the rules of the board.

    At each place the candidate that the shop's rules allow and that is worth most beside what
    is listed already: Carbonell & Goldstein (1998) for diversity, Steck (2018) for
    calibration. `stages` begin with relevance. Not `explained`: rules are not told.
    """
    filling = _Filling(board, stages)
    for place in range(board.places):
        filling.fill(place, explained=explained)
    return Filled(filling.column, filling.rule, filling.propensity)


class _Filling:
    """Lists on their way: what is in them, and what that makes of the candidates left."""

    def __init__(self, board: Board, stages: Sequence[Stage]) -> None:
        self._board = board
        self._stages = stages
        customers, width = board.here.shape
        self._rows = np.arange(customers)
        self._open: BoolArray = board.here.copy()
        self._listed = np.zeros(customers, dtype=np.int64)
        self._most = board.most
        self._in_tail = np.zeros(customers, dtype=np.int64)
        self._of_category = _counts(board.category, board.here)
        self._of_brand = _counts(board.brand, board.here)
        self._near: FloatArray | None = None
        self._plain = stages[-1].worth
        if board.control.diversity:
            self._near = np.zeros((customers, width), dtype=np.float32)
            self._plain = self._plain * np.float32(1 - board.control.diversity)
        self.column: LongArray = np.full((customers, board.places), -1, dtype=np.int64)
        self.rule: NDArray[np.int8] = np.zeros((customers, board.places), dtype=np.int8)
        self.propensity: FloatArray = np.ones((customers, board.places), dtype=np.float32)
        if board.pins is not None:
            for place in np.flatnonzero((board.pins >= 0).any(axis=0)).tolist():
                pinned = board.pins[:, place]
                self.rule[pinned >= 0, place] = Rule.PINNED
                self._put(place, pinned, pinned >= 0)
                self._regard(pinned, pinned >= 0)

    def fill(self, place: int, *, explained: bool) -> None:
        """Puts the best candidate to each row's place that is free."""
        live = (self._listed < self._most) & (self.column[:, place] < 0)
        if not live.any():
            return
        masks = list(self._masks())
        wanted = self._forced(masks[-1][1])
        if wanted is not None:
            masks.append((Rule.EXPOSURE, wanted))
        allowed = _strictest([mask for _, mask in masks])
        pick = _best(self._calibrated(self._diverse()), allowed)
        rule = self._why(masks, allowed, pick) if explained else None
        pick, explored = self._explored(place, pick, masks, live)
        if rule is not None:
            rule[explored] = Rule.EXPLORED
            self.rule[live, place] = rule[live]
        self._put(place, pick, live)
        if place + 1 < self._board.places:
            self._regard(pick, live)

    def _masks(self) -> Iterator[tuple[Rule, BoolArray]]:
        """Who may come, first as it is and then ever stricter, each with the rule that says so."""
        control, allowed = self._board.control, self._open
        yield Rule.NONE, allowed
        capped = False
        for count, cap in (
            (self._of_category, control.category_cap),
            (self._of_brand, control.brand_cap),
        ):
            if count is not None and cap is not None:
                allowed = allowed & (count < cap)
                capped = True
        if capped:
            yield Rule.CAPPED, allowed
        if self._board.buried is not None:
            yield Rule.BOOSTED, allowed & ~self._board.buried

    def _forced(self, allowed: BoolArray) -> BoolArray | None:
        """Only the tail, where all places left are due to it; None when no row is so far."""
        if self._board.tail is None or self._board.floor is None:
            return None
        due = self._board.floor - self._in_tail
        forced = (due > 0) & (due >= self._most - self._listed)
        return allowed & (self._board.tail | ~forced[:, None]) if forced.any() else None

    def _diverse(self) -> FloatArray:
        """Maximal marginal relevance of each candidate, shape (n, w)."""
        return self._plain if self._near is None else self._plain - self._near

    def _calibrated(self, utility: FloatArray) -> FloatArray:
        """Utility traded for a smaller divergence of the list's mix from the customer's own.

        KL(p, q) is a sum over categories, and a candidate changes no term but that of its own:
        what it lowers the divergence by, beside what every candidate does, is p log(q'/q).
        """
        share, count = self._board.share, self._of_category
        if share is None or count is None:
            return utility
        weight = np.float32(self._board.control.calibration)
        length = (self._listed + 1).astype(np.float32)[:, None]
        blended = (1 - SMOOTHING) * count
        blended += SMOOTHING * np.maximum(share, _LEAST_SHARE) * length
        gain = share * np.log1p((1 - SMOOTHING) / blended)
        traded: FloatArray = (1 - weight) * utility + weight * gain
        return traded

    def _why(
        self, masks: Sequence[tuple[Rule, BoolArray]], allowed: BoolArray, pick: LongArray
    ) -> NDArray[np.int8]:
        """The rule each pick is owed to: the last one without which another was picked.

        None for what comes next by its score alone.
        """
        rule = np.zeros(len(pick), dtype=np.int8)
        next_by_score = self._open.argmax(axis=1) == pick
        # Mostly there is nothing to tell: then nobody need ask what each rule would have picked.
        if not next_by_score.all():
            for name, without in self._without(masks, allowed):
                rule[(without != pick) & ~next_by_score] = name
        if len(masks) > 1 and masks[1][0] is Rule.CAPPED:
            rule[~masks[1][1][self._rows, pick]] = Rule.FILLED
        return rule

    def _without(
        self, masks: Sequence[tuple[Rule, BoolArray]], allowed: BoolArray
    ) -> Iterator[tuple[Rule, LongArray]]:
        """Each rule that is on, in order, and the picks before it had its say, shape (n,)."""
        before = self._open.argmax(axis=1)
        for name, mask in masks[1:]:
            yield name, before
            before = np.where(mask.any(axis=1), mask.argmax(axis=1), before)
        for one, other in pairwise(self._stages):
            yield other.rule, _best(one.worth, allowed)
        if self._near is not None:
            yield Rule.DIVERSIFIED, _best(self._stages[-1].worth, allowed)
        if self._board.share is not None:
            yield Rule.CALIBRATED, _best(self._diverse(), allowed)

    def _explored(
        self,
        place: int,
        pick: LongArray,
        masks: Sequence[tuple[Rule, BoolArray]],
        live: BoolArray,
    ) -> tuple[LongArray, BoolArray]:
        """The picks with what chance puts in their stead, and where it does, shape (n,)."""
        cold, chance = self._board.cold, self._board.draws
        if cold is None or chance is None:
            return pick, np.zeros(len(pick), dtype=np.bool_)
        allowed = [mask for name, mask in masks if name is not Rule.EXPOSURE][-1]
        pool = allowed & cold
        other, size = drawn(pool, chance.which[:, place])
        given = chance.given[:, place] & (size > 0) & live
        chosen = np.where(given, other, pick)
        share = np.where(size > 0, chance.share, 0)
        likely = share * pool[self._rows, chosen] / np.maximum(size, 1)
        likely += (1 - share) * (chosen == pick)
        self.propensity[live, place] = likely[live]
        return chosen, given

    def _put(self, place: int, pick: LongArray, live: BoolArray) -> None:
        """Lists the picks of the rows that are live."""
        # Of a block mostly everyone is: no picking of rows then.
        own, chosen = (self._rows, pick) if live.all() else (self._rows[live], pick[live])
        self.column[own, place] = chosen
        self._open[own, chosen] = False
        self._listed += live

    def _regard(self, pick: LongArray, live: BoolArray) -> None:
        """Tells the candidates left what has been listed."""
        board, rows = self._board, self._rows
        if board.tail is not None:
            self._in_tail += live & board.tail[rows, pick]
        same = _same(board.category, rows, pick, live)
        if same is not None and self._of_category is not None:
            self._of_category += same
        other = _same(board.brand, rows, pick, live)
        if other is not None and self._of_brand is not None:
            self._of_brand += other
        if self._near is not None:
            self._come_near(same, np.where(live, board.item[rows, pick], -1))

    def _come_near(self, same: BoolArray | None, picked: IntArray) -> None:
        """How alike each candidate is to the most alike listed item, once these are listed."""
        board, near = self._board, self._near
        if near is None:
            return
        weight = np.float32(board.control.diversity)
        part = np.float32(board.category_part)
        alike = np.zeros_like(near) if same is None else same * (weight * part)
        if board.alike is not None:
            board.alike.add(picked, weight * (1 - part), into=alike)
        np.maximum(near, alike, out=near)


def _strictest(masks: Sequence[BoolArray]) -> BoolArray:
    """Of masks that become ever stricter each row's last one that leaves it anything, (n, w)."""
    allowed = masks[-1]
    for mask in masks[-2::-1]:
        some = allowed.any(axis=1, keepdims=True)
        if some.all():
            break
        allowed = np.where(some, allowed, mask)
    return allowed


def _best(utility: FloatArray, allowed: BoolArray) -> LongArray:
    """The best allowed candidate of each row, the first of equal ones, shape (n,)."""
    best: LongArray = np.where(allowed, utility, -np.inf).argmax(axis=1)
    return best


def _counts(group: IntArray | None, here: BoolArray) -> FloatArray | None:
    """How many of its group each candidate would find listed, at the start, shape (n, w)."""
    return None if group is None else np.zeros(here.shape, dtype=np.float32)


def _same(
    group: IntArray | None, rows: LongArray, pick: LongArray, live: BoolArray
) -> BoolArray | None:
    """Which candidates share the picks' group, shape (n, w); none where a row is not live."""
    if group is None:
        return None
    same: BoolArray = group == group[rows, pick][:, None]
    return same if live.all() else same & live[:, None]
