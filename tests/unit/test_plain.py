"""Purchases without times: when a log is of that kind, and what is held out of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.domain.events import to_ms
from tests.builders import a_history, a_log, a_purchase, histories
from training.held_out import held_out, parted
from training.history import Purchases, purchases_before
from training.ingest.formats import UNDATED
from training.plain import undated
from training.tune import tells


def test_a_log_is_undated_as_long_as_nearly_all_of_it_is() -> None:
    days = (UNDATED - a_purchase().at(UNDATED).occurred_at).days  # type: ignore[union-attr]
    pairs = [a_purchase(f"e{number}", day=days) for number in range(9)]
    live = [a_purchase(f"live{number}", day=number) for number in range(2)]

    def is_undated(purchases: list[Any]) -> bool:
        return undated(a_log(purchases), until_ms=2**62)

    assert is_undated(pairs)
    assert is_undated([*pairs, *live[:1]])
    assert not is_undated([*pairs, *live])
    assert not is_undated(live)
    assert not is_undated([])


def test_of_each_customer_a_share_is_held_out_and_the_rest_kept() -> None:
    everything = purchases(ann=10, ben=2, cas=1)

    known, target = held_out(everything, share=0.2, seed=7)

    hidden = {
        customer: set(truth.explore.tolist())
        for customer, truth in zip(target.histories.customers, target.truths, strict=True)
    }
    kept = {
        customer: set(known.customers.take([row]).item.tolist())
        for row, customer in enumerate(known.customers.customers)
    }
    assert {customer: len(items) for customer, items in hidden.items()} == {"ann": 2, "ben": 1}
    assert {customer: len(items) for customer, items in kept.items()} == {
        "ann": 8,
        "ben": 1,
        "cas": 1,
    }
    assert not hidden["ann"] & kept["ann"]
    assert target.histories.item.tolist() == known.customers.take([0, 1]).item.tolist()


def test_another_seed_holds_out_other_items_and_the_same_seed_the_same() -> None:
    everything = purchases(ann=30)

    first, again, other = (
        held_out(everything, share=0.2, seed=seed)[1].truths[0].explore.tolist()
        for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_all_lines_of_an_item_are_held_out_together() -> None:
    lines = a_history((0, ["tea", "wool"]), (9, ["tea", "wool"]))
    twice = Purchases(
        histories(["tea", "wool"], {"ann": lines}),
        histories(["tea", "wool"], {}),
        purchases(ann=2).items,
        to_ms(UNDATED),
    )

    known, target = held_out(twice, share=0.5, seed=1)

    assert len(set(known.customers.item.tolist())) == 1
    assert known.customers.lines == 2
    assert not set(known.customers.item.tolist()) & set(target.truths[0].explore.tolist())


def test_some_customers_settle_the_blend_and_the_others_are_the_test() -> None:
    everything = purchases(**{f"c{number}": 4 for number in range(9)}, single=1)

    halves = parted(everything, most=100, seed=7)
    few = parted(everything, most=2, seed=7)

    tuning, test = (set(each.histories.customers) for each in (halves.validation, halves.test))
    assert (len(tuning), len(test)) == (4, 5)
    assert not tuning & test
    assert tuning | test == set(everything.customers.customers) - {"single"}
    assert (len(few.validation.truths), len(few.test.truths)) == (2, 7)


def test_nothing_that_is_sought_is_known_of_anybody() -> None:
    parts = parted(purchases(**{f"c{number}": 6 for number in range(8)}), most=100, seed=1)

    known = {
        customer: set(parts.known.customers.take([row]).item.tolist())
        for row, customer in enumerate(parts.known.customers.customers)
    }
    for target in (parts.validation, parts.test):
        for customer, truth in zip(target.histories.customers, target.truths, strict=True):
            assert len(truth.explore) == 1
            assert not set(truth.explore.tolist()) & known[customer]
            assert len(known[customer]) == 5


def test_a_single_customer_is_the_test() -> None:
    parts = parted(purchases(ann=5), most=100, seed=1)

    assert not parts.validation.truths
    assert parts.test.histories.customers == ("ann",)


@pytest.mark.parametrize(
    ("gain", "told"),
    [
        # Mean .2, standard error .0816 / sqrt 3 = .047.
        ([0.3, 0.1, 0.2], True),
        # Mean .1, standard error .29 / 2 = .15.
        ([0.4, -0.4, 0.2, 0.2], False),
        ([0.0, 0.0], False),
        ([-0.1, -0.1], False),
        ([], False),
    ],
)
def test_a_blend_must_do_better_by_more_than_a_standard_error(
    gain: list[float], told: bool
) -> None:
    assert tells(np.asarray(gain), errors=1.0) is told


def purchases(**items: int) -> Purchases:
    """Undated purchases of customers given by how many items each bought."""
    events = [
        a_purchase(customer, customer, [f"item-{number:02d}" for number in range(count)])
        for customer, count in items.items()
    ]
    return purchases_before(a_log(events), cut_ms=2**62)
