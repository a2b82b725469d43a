"""What complaints are about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.loyalty.shop.intervals import wilson
from engine.loyalty.shop.pareto import dissatisfied, pareto, share_of


def test_causes_come_by_falling_count_with_running_shares():
    causes = pareto({"price": 1, "delivery": 6, "service": 3, "other": 0}, confidence=0.95)

    assert [(each.name, each.share.hits) for each in causes] == [
        ("delivery", 6),
        ("service", 3),
        ("price", 1),
    ]
    assert [each.running for each in causes] == pytest.approx([0.6, 0.9, 1.0])
    assert causes[1].share == wilson(3, 10, confidence=0.95)


def test_a_cause_that_never_occurred_has_a_share_of_nothing():
    causes = pareto({"price": 20}, confidence=0.95)

    assert share_of(causes, "service", confidence=0.95) == wilson(0, 20, confidence=0.95)


def test_most_dissatisfied_customers_say_nothing():
    assert dissatisfied(12, customers=1_000, voiced=0.10) == 120
    assert dissatisfied(300, customers=1_000, voiced=0.10) == 1_000


@given(st.dictionaries(st.text(min_size=1, max_size=4), st.integers(0, 99), max_size=8))
def test_shares_add_up_to_one(counts):
    causes = pareto(counts, confidence=0.95)

    assert not causes or causes[-1].running == pytest.approx(1)
    assert sum(each.share.hits for each in causes) == sum(counts.values())
