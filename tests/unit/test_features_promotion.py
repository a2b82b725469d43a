"""Discounts: dependency, full price, immunity, and what it means that there are none."""

from __future__ import annotations

import msgspec
import pytest

from engine.loyalty.cuts import Cuts
from engine.loyalty.features import promotion
from tests.states import NOW, Bought, Person, a_context, some_columns, values_of

# A shop in which somebody had a discount.
CUTS = msgspec.structs.replace(
    Cuts.untrained(), as_of_ms=NOW, scales={"discount_rate": (0.0, 0.0, 0.2)}
)


def columns(person: Person, *, cuts: Cuts = CUTS, overdue: float = 1.0, cycle_days: float = 10.0):
    context = a_context([person], cuts=cuts)
    known = some_columns(overdue=[overdue], cycle_days=[cycle_days])
    computed = promotion.compute(context, known)
    return {name: values_of(column)[0] for name, column in computed.items()}


def at_full_price(*ago: float) -> list[Bought]:
    return [Bought(each) for each in ago]


def test_an_order_with_a_tenth_off_is_discounted_and_one_with_less_is_not():
    person = Person(
        orders=[
            Bought(30, value=90, discount=10),
            Bought(20, value=91, discount=9),
            Bought(10),
            Bought(5),
        ]
    )

    known = columns(person)

    assert known["promo_dependency"] == 1 / 4
    assert known["full_price_share"] == 2 / 4
    assert known["discount_rate"] == 19 / (90 + 10 + 91 + 9 + 200)


def test_two_orders_are_too_few_to_tell_dependency():
    known = columns(Person(orders=[Bought(30, value=50, discount=50), *at_full_price(20)]))

    assert known["promo_dependency"] is None
    assert known["promo_immune"] is None
    assert known["discount_rate"] == 50 / 200


def test_two_units_are_too_few_to_tell_the_full_price_share():
    few = columns(Person(orders=[Bought(3, units=2)]))
    enough = columns(Person(orders=[Bought(3, units=2), Bought(2, units=1, discount=1)]))

    assert few["full_price_share"] is None
    assert enough["full_price_share"] == pytest.approx(2 / 3)


def test_orders_of_one_day_are_one_order():
    person = Person(
        orders=[Bought(30.1, value=50, discount=50), Bought(30.0), *at_full_price(20, 10)]
    )

    assert columns(person)["promo_dependency"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("ago", "immune"),
    [
        # From the last discounted order 20 days before the last: two cycles of ten days.
        ((30, 10), 1.0),
        # One day short of two cycles.
        ((29, 10), 0.0),
    ],
)
def test_immunity_takes_two_cycles_of_orders_since_the_last_offer(ago, immune):
    discounted, last = ago
    orders = [*at_full_price(90, 80, 70, 60, 50), Bought(discounted, value=80, discount=20)]

    assert columns(Person(orders=[*orders, *at_full_price(last)]))["promo_immune"] == immune


def test_silence_after_the_last_order_proves_no_immunity():
    orders = at_full_price(2, 1, 0)

    assert columns(Person(orders=orders), cycle_days=1.0, overdue=0.0)["promo_immune"] == 1.0
    assert columns(Person(orders=orders), cycle_days=1.01, overdue=0.0)["promo_immune"] == 0.0


def test_a_late_or_dependent_customer_is_not_immune():
    regular = at_full_price(90, 80, 70, 60)
    dependent = [Bought(90 - 10 * n, value=80, discount=20) for n in range(2)]

    assert columns(Person(orders=regular), overdue=1.5)["promo_immune"] == 1.0
    assert columns(Person(orders=regular), overdue=1.6)["promo_immune"] == 0.0
    assert columns(Person(orders=[*dependent, *at_full_price(60, 40)]))["promo_immune"] == 0.0


@pytest.mark.parametrize(
    ("cuts", "known"),
    [
        # Never trained; trained, and nobody ever had a discount; somebody had; being fitted.
        (Cuts.untrained(), False),
        (msgspec.structs.replace(CUTS, scales={"discount_rate": (0.0, 0.0)}), False),
        (CUTS, True),
        (msgspec.structs.replace(CUTS, scales={}), True),
    ],
)
def test_no_discounts_say_nothing_in_a_shop_that_sends_none(cuts, known):
    values = columns(Person(orders=at_full_price(90, 80, 70, 60)), cuts=cuts)

    assert all((value is not None) == known for value in values.values())


def test_a_customer_without_orders_is_unknown():
    assert set(columns(Person()).values()) == {None}
