"""Amounts in major units into minor ones, by ISO 4217."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.money import amount, in_minor_units, shares
from engine.errors import RequestInvalid


@pytest.mark.parametrize(
    ("told", "currency", "minor"),
    [
        (19.99, "EUR", 1999),
        ("19.99", "EUR", 1999),
        (0.29, "USD", 29),
        (1.15, None, 115),
        (1299, "JPY", 1299),
        (1.234, "KWD", 1234),
        (2.5, "CLF", 25000),
        (3.335, "EUR", 334),
        (1e3, "EUR", 100_000),
        (9_999_999_999.99, "EUR", 999_999_999_999),
    ],
)
def test_major_units_become_minor_ones_exactly(told: object, currency: str | None, minor: int):
    found = amount(told, field="price")

    assert found is not None
    assert in_minor_units(found, currency) == minor


@given(st.integers(0, 10**12))
def test_every_number_of_cents_survives_as_a_float(cents: int):
    found = amount(float(Decimal(cents) / 100), field="price")

    assert found is not None
    assert in_minor_units(found, "EUR") == cents


@pytest.mark.parametrize("told", [True, "five", [1], float("nan"), "inf", "1e999999"])
def test_what_is_no_amount_is_refused(told: object):
    with pytest.raises(RequestInvalid):
        amount(told, field="price")


@pytest.mark.parametrize("told", [None, ""])
def test_no_amount_is_none(told: object):
    assert amount(told, field="price") is None


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_shares_sum_up_to_the_whole_and_are_within_one_of_what_is_fair(
    total: int, weights: list[int]
):
    found = shares(total, weights)

    whole = sum(weights)
    assert sum(found) == (total if whole else 0)
    for share, weight in zip(found, weights, strict=True):
        assert not whole or abs(share * whole - total * weight) < whole


def test_a_discount_of_ten_is_shared_by_price_with_what_is_left_to_the_first():
    # Thirds of 10: 3.33 each, and the one left over goes to the first.
    assert shares(10, [5, 5, 5]) == [4, 3, 3]
