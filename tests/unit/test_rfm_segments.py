"""The named segments: the table is a partition, and the guards move who does not belong."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from engine.loyalty.rfm import RfmScores, RfmValues
from engine.loyalty.rfm_segments import CODES, Segment, rfm_segments

ALL_CODES = {100 * r + 10 * f + m for r, f, m in itertools.product(range(1, 6), repeat=3)}


def segments_of(
    *codes: int, orders: int = 2, first_age_days: float = 200.0
) -> list[tuple[Segment, Segment]]:
    digits = np.asarray([[code // 100, code // 10 % 10, code % 10] for code in codes], np.int8)
    many = np.full(len(codes), orders, np.int64)
    ages = np.full(len(codes), first_age_days)
    values = RfmValues(ages, many, many, ages, many)
    return rfm_segments(RfmScores(digits[:, 0], digits[:, 1], digits[:, 2]), values)


def test_the_table_is_an_exact_partition_of_the_125_codes():
    counted = Counter(code for codes in CODES.values() for code in codes)

    assert set(counted) == ALL_CODES
    assert set(counted.values()) == {1}


def test_every_segment_but_the_prospect_has_codes():
    assert set(CODES) == set(Segment) - {Segment.PROSPECT}


def test_the_sizes_of_the_segments_are_those_of_the_source():
    sizes = [len(codes) for codes in CODES.values()]

    assert sizes == [7, 8, 24, 7, 16, 8, 8, 22, 8, 11, 6]


def test_every_code_has_the_segment_of_its_table():
    codes = sorted(ALL_CODES)

    raw = [before for before, _ in segments_of(*codes)]

    assert all(code in CODES[segment] for code, segment in zip(codes, raw, strict=True))


def test_with_two_orders_only_new_customers_move():
    codes = sorted(ALL_CODES)

    moved = {before for before, after in segments_of(*codes, orders=2) if before != after}

    assert moved == {Segment.NEW_CUSTOMERS}


@pytest.mark.parametrize(
    ("code", "raw", "guarded"),
    [
        (555, Segment.CHAMPIONS, Segment.PROMISING),
        (335, Segment.LOYAL, Segment.PROMISING),
        (255, Segment.AT_RISK, Segment.HIBERNATING),
        (115, Segment.CANT_LOSE_THEM, Segment.HIBERNATING),
        (214, Segment.CANT_LOSE_THEM, Segment.HIBERNATING),
        (111, Segment.LOST, Segment.LOST),
        (535, Segment.NEED_ATTENTION, Segment.NEED_ATTENTION),
    ],
)
def test_a_single_order_makes_no_champion_and_no_loss(code: int, raw: Segment, guarded: Segment):
    assert segments_of(code, orders=1) == [(raw, guarded)]


@pytest.mark.parametrize(
    ("code", "orders", "first_age_days", "guarded"),
    [
        (511, 1, 60.0, Segment.NEW_CUSTOMERS),
        (511, 1, 60.1, Segment.PROMISING),
        (411, 1, 200.0, Segment.PROMISING),
        (311, 1, 10.0, Segment.NEW_CUSTOMERS),
        (311, 1, 200.0, Segment.ABOUT_TO_SLEEP),
        (422, 2, 10.0, Segment.PROMISING),
    ],
)
def test_new_is_one_order_of_the_last_sixty_days(
    code: int, orders: int, first_age_days: float, guarded: Segment
):
    [(raw, segment)] = segments_of(code, orders=orders, first_age_days=first_age_days)

    assert raw is Segment.NEW_CUSTOMERS
    assert segment is guarded


def test_a_customer_without_an_order_is_a_prospect():
    assert segments_of(0, orders=0, first_age_days=float("nan")) == [
        (Segment.PROSPECT, Segment.PROSPECT)
    ]


def test_nobody_has_no_segments():
    nothing = np.zeros(0)
    none = np.zeros(0, np.int64)
    scores = RfmScores(*(np.zeros(0, np.int8) for _ in range(3)))

    assert rfm_segments(scores, RfmValues(nothing, none, none, nothing, none)) == []
