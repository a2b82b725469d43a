"""A few customers to look at: what they had bought, what each model shows, what they bought."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import msgspec
import numpy as np

from engine.domain.ids import MISSING
from training.evaluation.contenders import Contender, Ground
from training.evaluation.metrics import Truth

AGAIN, NEW = "again", "new"
USUAL_EXAMPLES = 8
LAST_ORDERS = 3


class Line(msgspec.Struct, frozen=True):
    """An item by its title; `mark` says AGAIN or NEW where it was bought in the window."""

    title: str
    mark: str = ""


class Order(msgspec.Struct, frozen=True):
    """An order of the past: when, in ms since 1970 UTC, and the titles it held."""

    at_ms: int
    titles: list[str]


class Example(msgspec.Struct, frozen=True):
    """One customer: the last orders, the newest first, what was then bought, the lists by model.

    `groups` are the customer's by kind; `unseen` counts bought items that were not in the
    catalogue before.
    """

    customer_id: str
    groups: dict[str, str]
    orders: list[Order]
    bought: list[Line]
    unseen: int
    lists: dict[str, list[Line]]


def choose_examples(
    ground: Ground,
    contenders: Sequence[Contender],
    *,
    limit: int,
    rng: np.random.Generator,
    most: int = USUAL_EXAMPLES,
) -> list[Example]:
    """At most so many customers, drawn by lot in turn from each group, whatever they were shown."""
    rows = _drawn(ground, most, rng)
    return [_example(ground, contenders, row, limit=limit) for row in rows]


def _drawn(ground: Ground, most: int, rng: np.random.Generator) -> list[int]:
    shuffled = rng.permutation(len(ground))
    masks = [mask for groups in ground.groups.values() for mask in groups.values()]
    queues = [shuffled[mask[shuffled]][:most] for mask in masks]
    in_turn = [row for turn in zip_longest(*queues) for row in turn if row is not None]
    return list(dict.fromkeys(int(row) for row in [*in_turn, *shuffled[:most]]))[:most]


def _example(ground: Ground, contenders: Sequence[Contender], row: int, *, limit: int) -> Example:
    truth = ground.truths[row]
    marks = _marks(truth)
    return Example(
        customer_id=ground.histories.customers[row],
        groups={
            kind: name
            for kind, groups in ground.groups.items()
            for name, mask in groups.items()
            if mask[row]
        },
        orders=_last_orders(ground, row),
        bought=[Line(ground.title(item), mark) for item, mark in marks.items()],
        unseen=truth.unseen,
        lists={
            each.name: [
                Line(ground.title(item), marks.get(item, ""))
                for item in each.lists[row][:limit].tolist()
            ]
            for each in contenders
        },
    )


def _marks(truth: Truth) -> dict[int, str]:
    """What each bought item was to the customer."""
    again = dict.fromkeys(truth.repeat.tolist(), AGAIN)
    return again | dict.fromkeys(truth.explore.tolist(), NEW)


def _last_orders(ground: Ground, row: int) -> list[Order]:
    """The last orders, the newest first; an order without a known item is passed over."""
    past = ground.histories
    own = slice(int(past.indptr[row]), int(past.indptr[row + 1]))
    items, orders, times = past.item[own], past.order[own], past.at[own]
    known = items != MISSING
    newest = list(dict.fromkeys(orders[known][::-1].tolist()))[:LAST_ORDERS]
    return [
        Order(
            int(times[held].max()),
            [ground.title(item) for item in np.unique(items[held]).tolist()],
        )
        for held in (known & (orders == order) for order in newest)
    ]
