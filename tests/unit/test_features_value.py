"""What customers are worth: chances, money to come, margins, and what is unknown without models."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from engine.domain.histories import DAY_MS
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.cuts import POOLED, Cuts, ValueModels
from engine.loyalty.features import value
from engine.loyalty.features.margins import Margins, months_after_first
from engine.loyalty.value.clv import ClvTerms, break_even_month, literal_clv
from engine.loyalty.value.gamma_gamma import GammaGamma
from engine.loyalty.value.mbg_nbd import MbgNbd
from engine.loyalty.value.repeats import Repeats
from tests.states import NOW, TODAY, Bought, Person, Thing, a_context, values_of

REPEAT = MbgNbd(0.5, 40.0, 0.9, 1.6)
SPEND = GammaGamma(6.0, 4.0, 1_500.0)
PLAIN = ValueModels(msgspec.to_builtins(REPEAT), msgspec.to_builtins(SPEND))
CUTS = Cuts(as_of_ms=NOW, rfm=Cuts.untrained().rfm, cycle=30.0, value={POOLED: PLAIN})
MODELLED = {
    "p_alive",
    "churn_risk",
    "churn_risk_cycle",
    "churn_band",
    "expected_orders",
    "expected_spend",
    "next_order_at",
    "clv_predicted",
    "clv_total",
    "clv_residual",
}


def told_of(
    *people: Person, cuts: Cuts = CUTS, items: dict[str, Thing] | None = None
) -> dict[str, list[float | str | None]]:
    columns = value.compute(a_context(people, cuts=cuts, items=items), {})
    return {name: values_of(column) for name, column in columns.items()}


def configured(**changes: object) -> Cuts:
    return msgspec.structs.replace(CUTS, config=LoyaltyConfig(**changes))


def buyer(*days_ago: float, worth: int = 1_000) -> Person:
    return Person(orders=[Bought(ago, value=worth) for ago in days_ago])


def test_the_models_are_asked_about_days_with_an_order_after_the_first():
    """Orders 100, 70 and 40 days ago: x = 2, tx = 60, T = 100."""
    data = Repeats.of(2, 60, 100)

    told = told_of(buyer(100, 70, 40))

    assert told["p_alive"] == REPEAT.p_alive(data).tolist()
    assert told["churn_risk"] == [pytest.approx(1 - REPEAT.p_order_within(data, 90)[0])]
    assert told["expected_orders"] == REPEAT.expected_orders(data, 365.0).tolist()


def test_who_is_slow_is_looked_ahead_for_longer():
    """The cycle is (60 + 600) / 4 = 165 days, two of them are 330."""
    told = told_of(buyer(650, 350, 50))

    expected = 1 - REPEAT.p_order_within(Repeats.of(2, 600, 650), 330.0)[0]
    assert told["churn_risk_cycle"] == [pytest.approx(expected)]
    assert expected < told["churn_risk"][0]


def test_lifetime_value_is_margin_times_spend_times_discounted_orders():
    data = Repeats.of(2, 60, 100)
    rate = np.log(1.15) / 365
    spend = SPEND.expected_spend(np.asarray([2.0]), np.asarray([1_000.0]))

    told = told_of(buyer(100, 70, 40))

    assert told["expected_spend"] == spend.tolist()
    three_years = 0.3 * spend * REPEAT.discounted_orders(data, 3 * 365.0, rate=rate)
    endless = 0.3 * spend * REPEAT.discounted_orders(data, np.inf, rate=rate)
    assert told["clv_predicted"] == [pytest.approx(three_years[0])]
    assert told["clv_residual"] == [pytest.approx(endless[0])]
    assert told["clv_total"] == [told["clv_historic"][0] + told["clv_predicted"][0]]


def test_the_first_order_says_nothing_of_the_next_ones_value():
    """Fader, Hardie & Lee (2005): the mean is over repeats."""
    lavish_first = Person(orders=[Bought(100, value=90_000), Bought(50), Bought(10, value=300)])
    single = buyer(10, worth=90_000)

    spend = told_of(lavish_first, single)["expected_spend"]

    expected = SPEND.expected_spend(np.asarray([2.0]), np.asarray([200.0]))
    assert spend == [pytest.approx(expected[0]), pytest.approx(SPEND.population_mean)]


@pytest.mark.parametrize(
    ("bands", "band"), [((0.0, 0.1), "high"), ((0.1, 1.0), "medium"), ((0.99, 1.0), "low")]
)
def test_churn_bands(bands: tuple[float, float], band: str):
    assert told_of(buyer(100, 70, 40), cuts=configured(churn_bands=bands))["churn_band"] == [band]


def test_the_next_order_is_due_on_a_day():
    wait = REPEAT.next_order_days(Repeats.of(3, 90, 92))[0]

    [due] = told_of(buyer(92, 62, 32, 2))["next_order_at"]

    assert due == (TODAY + int(np.ceil(wait))) * DAY_MS


def test_an_account_type_has_its_own_models():
    other = ValueModels(msgspec.to_builtins(MbgNbd(5.0, 10.0, 0.1, 9.0)), PLAIN.spend)
    cuts = msgspec.structs.replace(CUTS, value={POOLED: PLAIN, "business": other})
    business = Person(orders=buyer(100, 70, 40).orders, business=1)

    mixed = told_of(buyer(100, 70, 40), business, cuts=cuts)["p_alive"]

    data = Repeats.of(2, 60, 100)
    assert mixed == [REPEAT.p_alive(data)[0], MbgNbd(5.0, 10.0, 0.1, 9.0).p_alive(data)[0]]


def test_without_models_what_they_would_say_is_unknown():
    told = told_of(buyer(100, 70, 40), cuts=Cuts.untrained())

    assert {name for name, values in told.items() if values == [None]} == {
        *MODELLED,
        "break_even_month",
    }
    assert told["valuable"] == [1]


def test_without_an_order_everything_is_unknown():
    told = told_of(Person(), buyer(10))

    assert {values[0] for values in told.values()} == {None}


def test_margin_is_revenue_less_cost_where_costs_are_known():
    """Paid 1,000 for two units that cost 300 each, and 500 for something of unknown cost."""
    orders = [Bought(20, "cup", value=1_000, units=2.0), Bought(20, "mystery", value=500)]
    known = Person(orders=orders[:1])

    told = told_of(Person(orders=orders), known, items={"cup": Thing(cost=300.0)})

    assert told["margin_12m"] == [400 + 150, 400]
    assert told["margin_assumed"] == [1, 0]


def test_an_item_sold_below_cost_makes_no_valuable_customer():
    told = told_of(
        Person(orders=[Bought(20, "cup", value=1_000)]), items={"cup": Thing(cost=1_200.0)}
    )

    assert told["margin_12m"] == [-200]
    assert told["valuable"] == [0]
    assert told["clv_predicted"][0] < 0


def test_contacts_and_returns_cost_what_the_shop_says():
    """Two orders, one of them within 12 months: half of the four returns, and one contact."""
    person = Person(
        orders=[Bought(400, value=1_000), Bought(20, value=1_000)],
        contacts=[(380, "chat"), (10, "chat")],
        returned=4,
    )

    told = told_of(person, cuts=configured(contact_cost=50, return_cost=10))

    assert told["margin_12m"] == [300 - 50 - 2 * 10]


def test_margins_so_far_are_discounted_to_the_first_order():
    """Against the literal sum over months, and by hand: a year later 15 % less."""
    context = a_context([buyer(800, 700, 435, 10), Person(), buyer(365, 0)], cuts=CUTS)
    margins = Margins.of(context)

    values = margins.present_value(context)

    dense = np.zeros((3, 40))
    np.add.at(dense, (context.orders.row(), months_after_first(context)), margins.order)
    assert values.tolist() == pytest.approx(literal_clv(dense, terms=ClvTerms()).tolist())
    assert values[1] == 0
    assert values[2] == pytest.approx(300 + 300 / 1.15)


@pytest.mark.parametrize(("cost", "month"), [(0, 1), (300, 1), (301, 4), (600, 4), (901, None)])
def test_break_even_is_the_first_month_that_covers_the_acquisition(cost: int, month: int | None):
    cuts = configured(acquisition_cost=cost)
    person = buyer(300, 200, 100)

    told = told_of(Person(), person, cuts=cuts)["break_even_month"]

    assert told == [None, month]
    dense = np.zeros((1, 12))
    dense[0, [0, 3, 6]] = 300
    reached = break_even_month(dense, cost)[0] + 1
    assert (None if np.isnan(reached) else reached) == month


def test_a_cost_in_the_wrong_unit_does_not_turn_a_margin_round():
    person = Person(orders=[Bought(5, "tea", value=1, units=1e9)])
    context = a_context([person], items={"tea": Thing(cost=10**12)})

    assert Margins.of(context).order.tolist() == [-(10**15)]
