"""Numbers as people read them."""

from __future__ import annotations

import pytest

from engine.loyalty.shop.intervals import wilson
from tests.shop_states import at
from training.report.words import (
    between,
    change,
    count,
    counted,
    day,
    money,
    month,
    share,
    signed,
    title,
)


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (123_456, "EUR", "€1,235"),
        (9_999, "USD", "$99.99"),
        (5, "GBP", "£0.05"),
        (0, "GBP", "£0"),
        (123_456, "JPY", "¥123,456"),
        (1_234, "KWD", "KWD 1.23"),
        (459_000_000, "USD", "$4.59 million"),
        (-123_456, "EUR", "−€1,235"),
        (123_456, None, "1,235"),
        (float("nan"), "EUR", "–"),
    ],
)
def test_money_has_its_currency_and_only_the_digits_that_matter(minor, currency, shown):
    assert money(minor, currency) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0%"),
        (0.0004, "under 0.1%"),
        (0.031, "3.1%"),
        (0.08, "8%"),
        (0.374, "37%"),
        (0.997, "99.7%"),
        (1.0, "100%"),
        (float("nan"), "–"),
    ],
)
def test_shares_are_percent(value, shown):
    assert share(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.234, "+23%"), (-0.05, "−5%"), (0.001, "0%"), (float("nan"), "–")]
)
def test_changes_have_a_sign(value, shown):
    assert change(value) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(28.4, "+28"), (-1.26, "−1.3"), (0.01, "0"), (float("nan"), "–"), (-1234.0, "−1,234")],
)
def test_numbers_may_have_a_sign(number, shown):
    assert signed(number) == shown


def test_counts_say_what_they_count():
    assert counted(1, "customer") == "1 customer"
    assert counted(1_234, "customer") == "1,234 customers"
    assert counted(2, "category", "categories") == "2 categories"
    assert count(float("nan")) == "–"


def test_an_interval_follows_its_share():
    assert between(wilson(81, 263, confidence=0.95)) == "31% (26% to 37%)"
    assert between(wilson(0, 0, confidence=0.95)) == "–"


def test_days_and_months_are_written_out():
    assert day(at("2026-03-01T23:59")) == "1 March 2026"
    assert day(None) == "–"
    assert month(56 * 12 + 1) == "Feb 2026"


def test_names_become_titles():
    assert title("cant_lose_them") == "Can't lose them"
    assert title("campaign spring_sale") == "Campaign spring sale"
