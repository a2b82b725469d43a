"""From states and features to what the page shows, on a small shop that sends everything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.loyalty.cuts import Cuts
from engine.loyalty.features.registry import FEATURES, features
from engine.loyalty.states import CHECKOUT, IN_CART, ORDERED, VIEWED
from engine.segments.book import SegmentBook
from engine.segments.builtin import builtin_segments
from engine.segments.predicate import Person as Asked
from engine.segments.predicate import predicate
from tests.states import NOW, Bought, Case, Opinion, Person, Visited, a_states
from training.report.assembly.report import shop_report
from training.report.assembly.sources import Sources
from training.report.data import ShopReport
from training.report.membership import members, of_features_alone
from training.report.page import page

BOOK = SegmentBook(builtin_segments(FEATURES))
ITEMS = {"tea": "Drinks", "milk": "Drinks", "bread": "Bakery"}


def sources_of(people: dict[str, Person]) -> Sources:
    states = a_states(people, items=ITEMS)
    cuts = Cuts.untrained()
    computed = features(states, cuts, now_ms=NOW)
    segments = of_features_alone(BOOK)
    return Sources(
        states=states,
        features=computed,
        cuts=cuts,
        currency="EUR",
        segments=segments,
        members=members(segments, BOOK, computed),
    )


def a_regular(every: float, *, until: float = 1, since: float = 700) -> list[Bought]:
    return [Bought(float(ago), "tea", 1_000) for ago in np.arange(until, since, every)]


def a_shop() -> dict[str, Person]:
    """Thirty regulars, a newcomer, somebody gone who complained, and somebody only looking."""
    regulars = {f"r{number:02}": Person(orders=a_regular(14)) for number in range(30)}
    return {
        **regulars,
        "gone": Person(
            orders=[Bought(400, "bread", 3_000), Bought(380, "bread", 2_000)],
            cases=[Case(100.0, 99.0, 98.5, "delivery"), Case(20.0, None, None, "service")],
            opinions=[Opinion(10, "exit_reason", word="price")],
        ),
        "newcomer": Person(orders=[Bought(5, "milk", 500)], visits=[Visited(5, VIEWED | ORDERED)]),
        "onlooker": Person(visits=[Visited(3, VIEWED), Visited(2, VIEWED | IN_CART | CHECKOUT)]),
    }


@pytest.fixture(scope="module")
def sources() -> Sources:
    return sources_of(a_shop())


@pytest.fixture(scope="module")
def report(sources: Sources) -> ShopReport:
    return shop_report(sources)


def test_totals_are_those_of_the_last_12_months(report: ShopReport):
    # Each of 30 regulars ordered 1, 15, ... 351 days ago; what is 365 days old is past.
    assert (report.shop.known, report.shop.buyers, report.shop.active) == (33, 32, 31)
    assert report.shop.orders_12m == 30 * 26 + 1
    assert report.shop.revenue_12m == 30 * 26 * 1_000 + 500
    assert report.shop.currency == "EUR"


def test_half_a_year_before_is_no_year_to_compare_with(report: ShopReport):
    assert report.shop.revenue_year_before is None


def test_two_years_of_orders_give_a_year_to_compare_with():
    found = shop_report(sources_of({"a": Person(orders=[Bought(740, value=1), Bought(500)])}))

    assert found.shop.revenue_year_before == 100


def test_every_customer_is_in_one_stage(report: ShopReport):
    groups = {each.name: each.customers for each in report.stages}

    assert groups["loyalty"] == 30
    assert groups["separation"] == 1
    assert sum(groups.values()) == 33


def test_visits_are_followed_to_the_order(report: ShopReport):
    assert report.visiting is not None
    assert report.visiting.overall.counts == (3, 3, 2, 1)
    assert all(step.descriptive for each in report.visiting.comparisons for step in each.steps)


def test_complaints_are_counted_by_topic_with_what_became_of_them(report: ShopReport):
    found = report.complaints

    assert found is not None
    assert {each.name for each in found.causes} == {"delivery", "service"}
    assert (found.cases, found.open, found.complaining, found.dissatisfied) == (2, 1, 1, 10)
    # One was resolved in 36 hours, the other is open for 20 days.
    assert (found.kept.hits, found.kept.trials) == (1, 2)


def test_reasons_to_leave_are_those_said(report: ShopReport):
    assert report.exits is not None
    assert [each.name for each in report.exits.causes] == ["price"]
    assert (report.exits.stated, report.exits.inferred) == (1, 0)


def test_categories_have_a_trend(report: ShopReport):
    assert {each.name for each in report.trends} == {"Bakery", "Drinks"}


def test_the_spread_is_over_those_who_spent(report: ShopReport):
    assert report.concentration is not None
    assert report.concentration.customers == 31
    assert report.concentration.curve[-1] == pytest.approx((1.0, 1.0))


def test_what_is_known_of_few_is_said_with_what_would_help(report: ShopReport):
    needs = {each.what: each.needs for each in report.unknown}

    assert "nps" in needs
    assert all(needs.values())


def test_segments_that_cannot_be_shown_are_counted(sources: Sources):
    report = shop_report(replace(sources, segments_left_out=2))

    assert "2 segments that ask for attributes or events are not shown." in report.assumptions


def test_segments_have_the_members_that_the_predicate_names(sources: Sources):
    for segment in sources.segments:
        asks = predicate(BOOK.condition(segment.name))
        expected = [
            asks(Asked(sources.features.row(row), {}), NOW) for row in range(len(sources.features))
        ]

        assert sources.members[segment.name].tolist() == expected, segment.name


def test_a_page_comes_of_it(report: ShopReport):
    html = page(report)

    assert html.count("<svg") >= 8
    assert "Nobody has ordered yet" not in html


@pytest.mark.parametrize(
    "people",
    [
        {},
        {"a": Person()},
        {"a": Person(orders=[Bought(0.1)])},
        {"a": Person(orders=[Bought(300)])},
        {"a": Person(visits=[Visited(1, VIEWED)])},
        {"a": Person(orders=[Bought(90), Bought(30)]), "b": Person(orders=[Bought(0.2)])},
    ],
)
def test_the_smallest_shops_get_a_page(people: dict[str, Person]):
    html = page(shop_report(sources_of(people)))

    assert html.startswith("<!doctype html>")
    assert ">nan" not in html
