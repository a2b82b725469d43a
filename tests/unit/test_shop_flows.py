"""Moves between lifecycle stages."""

from __future__ import annotations

import numpy as np

from engine.loyalty.shop.flows import flows, month_ends
from tests.shop_states import at

NAMES = ("new", "loyal", "gone")


def test_moves_are_counted_from_each_months_start_to_its_end():
    stages = np.asarray([[-1, 0, 1], [0, 0, 2], [-1, -1, 0], [-1, -1, -1]], dtype=np.int8)
    times = month_ends(at("2026-03-15"), months=2)

    found = flows(stages, times, names=NAMES)

    assert found.times.tolist() == [at("2026-01-01"), at("2026-02-01"), at("2026-03-01")]
    assert found.moves.tolist() == [[1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0], [2, 0, 0, 0]]
    assert found.entered.tolist() == [2, 0, 0]
    assert found.stock.tolist() == [[1, 0, 0], [2, 0, 0], [1, 1, 1]]


def test_shares_of_a_stage_add_up_to_one_and_an_empty_one_is_unknown():
    stages = np.asarray([[0, 1], [0, 0], [0, 2]], dtype=np.int8)

    shares = flows(stages, np.asarray([0, 1]), names=NAMES).shares()

    assert shares[0].sum() == 1
    assert np.isnan(shares[1]).all()


def test_no_customers_make_no_moves():
    found = flows(np.empty((0, 3), dtype=np.int8), np.asarray([0, 1, 2]), names=NAMES)

    assert found.moves.sum() == 0
    assert found.stock.tolist() == [[0, 0, 0]] * 3
