"""Who competes, and on what ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray, IntArray, LongArray
from engine.domain.histories import Histories
from engine.domain.ids import IdTable
from engine.errors import EngineError
from training.evaluation.metrics import Truth


class ContestRefused(EngineError):
    """The lists cannot be compared; the message says whose and why."""


class Role(StrEnum):
    """What a contender is to the reader: a model on trial, the live one, or a simple yardstick."""

    MODEL = "model"
    CHAMPION = "champion"
    BASELINE = "baseline"


@dataclass(frozen=True)
class Contender:
    """The lists that a model gives to the customers of a ground, and what they cost.

    `lists` are row by row item positions, best first, distinct within a list; a list may be
    shorter than the limit. Costs that were not measured are None.
    """

    name: str
    lists: Sequence[LongArray]
    fit_seconds: float | None = None
    lists_per_second: float | None = None
    memory_mb: float | None = None
    role: Role = Role.BASELINE


@dataclass(frozen=True)
class Ground:
    """What all contenders are judged on: n customers, what they had bought and then bought.

    `histories` and `truths` are row by row; `histories` hold nothing from `start_ms` on, truths
    nothing from `until_ms` on, None when nobody says when it was bought. Per item of
    `item_ids`: `popularity`, the orders before the start that hold it, and `category`, MISSING
    (-1) when unknown. `groups` are by kind the masks of named groups, each (n,). `newcomers`
    bought in the window without a past, and are not among the customers. `notes` are whole
    sentences that a reader of the results must know. Without times (`timed` False) a random
    part of what was bought is the truth, and no moment is shown.
    """

    histories: Histories
    truths: Sequence[Truth]
    item_ids: IdTable
    popularity: FloatArray
    category: IntArray
    start_ms: int
    until_ms: int | None
    groups: Mapping[str, Mapping[str, BoolArray]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    newcomers: int = 0
    notes: Sequence[str] = ()
    timed: bool = True

    def __len__(self) -> int:
        return len(self.truths)

    @property
    def items(self) -> int:
        """How many items the catalogue has."""
        return len(self.item_ids)

    def title(self, item: int) -> str:
        """What a shopper reads of an item; its id when it has no title."""
        item_id = self.item_ids[item]
        return self.titles.get(item_id) or item_id


def check_contest(ground: Ground, contenders: Sequence[Contender]) -> None:
    """Raises ContestRefused unless every contender has a name of its own and fit lists."""
    names = [each.name for each in contenders]
    if not names:
        raise ContestRefused("nobody to compare: give at least one model or baseline")
    for name in names:
        if names.count(name) > 1:
            raise ContestRefused(f"two contenders are called {name!r}: name each once")
    for each in contenders:
        if len(each.lists) != len(ground):
            raise ContestRefused(
                f"{each.name}: {len(each.lists)} lists for {len(ground)} customers; one each"
            )
        _check_lists(each, items=ground.items)


def _check_lists(contender: Contender, *, items: int) -> None:
    lengths = np.asarray([len(own) for own in contender.lists], dtype=np.int64)
    flat = np.concatenate([np.zeros(0, np.int64), *contender.lists])
    if flat.size and (flat.min() < 0 or flat.max() >= items):
        wrong = flat[(flat < 0) | (flat >= items)][0]
        raise ContestRefused(
            f"{contender.name}: item position {wrong} is not in the catalogue of {items} items"
        )
    keys = np.sort(np.arange(len(lengths)).repeat(lengths) * items + flat)
    twice = keys[1:][keys[1:] == keys[:-1]]
    if twice.size:
        row, item = divmod(int(twice[0]), items)
        raise ContestRefused(
            f"{contender.name}: item position {item} is twice in the list of row {row}; "
            "a list holds an item once"
        )
