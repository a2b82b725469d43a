"""Orders, the customer's own rhythm, and who counts as new, returned, business."""

from __future__ import annotations

import pytest

from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.cuts import Cuts
from engine.loyalty.features import orders
from engine.loyalty.features.accounts import ACCOUNTS, account_type, value_type
from tests.states import Bought, Person, Visited, a_context, values_of

# A shop whose customers order every 30 days.
CUTS = Cuts.untrained()


def columns_of(*people: Person, cuts: Cuts = CUTS) -> dict[str, list[float | str | None]]:
    context = a_context(people, cuts=cuts)
    return {name: values_of(own) for name, own in orders.compute(context, {}).items()}


def bought(*days_ago: float, value: int = 100) -> Person:
    return Person(orders=[Bought(ago, value=value) for ago in days_ago])


def test_orders_of_one_day_count_once_and_their_money_in_full():
    told = columns_of(Person(orders=[Bought(10, value=300), Bought(10.1, value=200), Bought(400)]))

    assert told["orders"] == [2]
    assert told["orders_12m"] == [1]
    assert told["revenue"] == [600]
    assert told["revenue_12m"] == [500]
    assert told["average_order_value"] == [300]
    assert told["days_since_last"] == [10]
    assert told["tenure_days"] == [400]


def test_a_customer_without_an_order_has_unknown_orders_not_none():
    told = columns_of(Person())

    unknown = {name for name, values in told.items() if values == [None]}
    assert unknown == set(told)


def test_the_cycle_is_drawn_towards_the_shop_by_two_gaps_of_its_own():
    """(2 * 30 + 10 + 20) / (2 + 2): two gaps of 30 days beside the two observed."""
    told = columns_of(bought(35, 25, 5))

    assert told["cycle_days"] == [(2 * 30 + 30) / 4]
    assert told["overdue"] == [5 / 22.5]


def test_one_order_has_the_cycle_of_the_shop():
    told = columns_of(bought(12))

    assert told["cycle_days"] == [30]
    assert told["overdue"] == [0.4]


@pytest.mark.parametrize(("ago", "turning"), [(45, 0), (46, 1), (90, 1), (91, 0)])
def test_turning_is_later_than_one_and_a_half_and_up_to_three_cycles(ago: float, turning: float):
    assert columns_of(bought(ago))["turning"] == [turning]


def test_the_return_rate_begins_at_the_usual_share_and_learns():
    """Beta(1, 19): one in twenty before anything is known, (1 + 2) / (20 + 6) after 2 of 6."""
    returner = Person(orders=[Bought(each) for each in (1, 2, 3, 4)], returned=2)

    told = columns_of(returner)

    assert told["return_rate"] == [pytest.approx(3 / 26)]


def test_who_gave_everything_back_is_a_potential_customer_and_says_so():
    told = columns_of(Person(placed=2, returned=2, visits=[Visited(3)]))

    assert told["all_refunded"] == [1]
    assert told["customer_type"] == ["potential"]


@pytest.mark.parametrize(
    ("days_ago", "status"),
    [
        ((30,), "new_first"),
        ((60, 3), "new_first"),
        ((61,), "not_new"),
        ((500, 20), "new_reactivated"),
        ((500, 300, 20), "not_new"),
        # Slow by nature: 600 days are no silence to one whose cycle was (2 * 30 + 600) / 4 days.
        ((1220, 920, 620, 20), "not_new"),
        # Long back, and active since.
        ((900, 200, 20), "not_new"),
    ],
)
def test_new_is_a_first_order_or_one_after_a_silence(days_ago: tuple[float, ...], status: str):
    assert columns_of(bought(*days_ago))["new_status"] == [status]


def test_many_units_a_line_tell_a_business():
    """The 95 % quantile of 21 lines exceeds 10 units when more than one of them does."""
    few = Person(orders=[Bought(n, units=11 if n == 1 else 1) for n in range(1, 22)])
    more = Person(orders=[Bought(n, units=11 if n <= 2 else 1) for n in range(1, 22)])

    told = account_type(a_context([few, more]))

    assert values_of(told) == ["consumer", "business"]


def test_office_hours_tell_a_business_from_five_orders_on():
    # NOW is noon of Wednesday, 27 September 1972.
    wednesdays = [Bought(7 * number) for number in range(5)]
    sundays = [Bought(7 * number + 3) for number in range(5)]
    nights = [Bought(7 * number + 0.4) for number in range(5)]

    told = account_type(
        a_context([Person(orders=own) for own in (wednesdays, wednesdays[:4], sundays, nights)])
    )

    assert values_of(told) == ["business", "consumer", "consumer", "consumer"]


def test_the_customer_s_own_word_counts_most():
    context = a_context([Person(business=0, orders=[Bought(1, units=99)]), Person(business=1)])

    assert values_of(account_type(context)) == ["consumer", "business"]
    assert [ACCOUNTS[each] for each in value_type(context)] == ["consumer", "business"]


def test_models_are_chosen_by_the_first_order_alone():
    grew = Person(orders=[Bought(50), Bought(5, units=99)])
    bulk_at_once = Person(orders=[Bought(50, units=99), Bought(5)])

    types = value_type(a_context([Person(), grew, bulk_at_once, Person()]))

    assert types.tolist() == [0, 0, 1, 0]


def test_nobody_has_columns_of_no_length():
    told = orders.compute(a_context([]), {})

    assert {len(column.values) for column in told.values()} == {0}
    assert set(told) == {feature.name for feature in orders.FEATURES}


def test_thresholds_come_from_the_configuration():
    cuts = Cuts.untrained(LoyaltyConfig(turning_overdue=0.1))

    assert columns_of(bought(12), cuts=cuts)["turning"] == [1]


def test_an_order_that_lies_ahead_of_now_is_no_order_taken_back():
    ahead = columns_of(Person(orders=[Bought(-0.4)]))

    assert ahead["all_refunded"] == [None]
