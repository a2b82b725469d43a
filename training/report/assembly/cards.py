"""The headline numbers of a customer's page."""

from __future__ import annotations

from collections.abc import Mapping

from engine.domain.features import Value
from engine.loyalty.features.registry import FEATURES
from engine.portrait import Told
from training.report.customer import Card
from training.report.words import UNKNOWN, counted, day, feature_value, money, short_day

# Up to so many times the usual pause an order is not late.
IN_TIME = 1.0
# A pause takes two orders.
OWN_RHYTHM = 2


def cards(
    told: Mapping[str, Told], row: Mapping[str, Value], *, currency: str | None
) -> list[Card]:
    """Orders, rhythm, risk, next order, worth and loyalty; an unknown one says what it takes."""
    if not _number(row, "orders"):
        return _without_orders(told, row)
    return [
        _bought(told, row, currency),
        _rhythm(told, row),
        _risk(told, row),
        _next(told, row),
        _worth(told, row, currency),
        _index(told, row),
    ]


def _without_orders(told: Mapping[str, Told], row: Mapping[str, Value]) -> list[Card]:
    sentence = "Rhythm, risk and worth are told from the first order on."
    found = [Card("No order", "so far", sentence, told["orders"].evidence)]
    visits, again = _number(row, "visits_180d"), told["revisit_probability"]
    if visits:
        name = "in the last 180 days"
        found.append(Card(counted(visits, "visit"), name, again.explanation, again.evidence))
    return found


def _number(row: Mapping[str, Value], name: str) -> float | None:
    value = row[name]
    return None if value is None or isinstance(value, str) else float(value)


def _risk(told: Mapping[str, Told], row: Mapping[str, Value]) -> Card:
    shown = feature_value(FEATURES["churn_risk"], row["churn_risk"], None)
    band = row["churn_band"]
    name = f"churn risk: {band}" if isinstance(band, str) else "churn risk"
    risk = told["churn_risk"]
    return Card(shown, name, risk.explanation, risk.evidence)


def _next(told: Mapping[str, Told], row: Mapping[str, Value]) -> Card:
    at, name = _number(row, "next_order_at"), "next order likely by"
    if at is None:
        return Card(UNKNOWN, name, told["next_order_at"].explanation, 0)
    sentence = told["expected_orders"].explanation
    return Card(short_day(int(at)), name, sentence, told["next_order_at"].evidence)


def _bought(told: Mapping[str, Told], row: Mapping[str, Value], currency: str | None) -> Card:
    orders, revenue = _number(row, "orders") or 0.0, _number(row, "revenue") or 0.0
    first, each = _number(row, "first_order_at"), _number(row, "average_order_value")
    sentence = f"A customer since {day(None if first is None else int(first))}"
    sentence += f", with {money(each, currency)} an order on average." if each is not None else "."
    name = f"spent in {counted(orders, 'order')}"
    return Card(money(revenue, currency), name, sentence, told["revenue"].evidence)


def _rhythm(told: Mapping[str, Told], row: Mapping[str, Value]) -> Card:
    since, cycle, overdue = (
        _number(row, name) for name in ("days_since_last", "cycle_days", "overdue")
    )
    evidence = told["days_since_last"].evidence
    if since is None:
        return Card(UNKNOWN, "since the last order", told["days_since_last"].explanation, evidence)
    shown = counted(since, "day") if round(since) else "Today"
    name = "since the last order" if round(since) else "the last order"
    if cycle is None or overdue is None:
        return Card(shown, name, told["days_since_last"].explanation, evidence)
    return Card(shown, name, _pause(row, cycle=cycle, overdue=overdue), evidence)


def _pause(row: Mapping[str, Value], *, cycle: float, overdue: float) -> str:
    usual = f"about every {counted(cycle, 'day')}"
    if (_number(row, "orders") or 0) < OWN_RHYTHM:
        return f"Too few orders for a rhythm of their own; expected {usual}, as in this shop."
    if overdue <= IN_TIME:
        return f"In time: usually orders {usual}."
    return f"Late: usually orders {usual}, and this pause is {overdue:.1f} times as long."


def _worth(told: Mapping[str, Told], row: Mapping[str, Value], currency: str | None) -> Card:
    so_far, to_come, total = (
        _number(row, name) for name in ("clv_historic", "clv_predicted", "clv_total")
    )
    if so_far is None:
        return Card(UNKNOWN, "margin", told["clv_total"].explanation, 0)
    if to_come is None or total is None:
        evidence = told["clv_historic"].evidence
        sentence = (
            "What is to come is not known: that takes a trained model of orders and their worth."
        )
        return Card(money(so_far, currency), "margin so far", sentence, evidence)
    sentence = f"{money(so_far, currency)} so far and {money(to_come, currency)} to come."
    if row["margin_assumed"]:
        sentence += " The shop's default margin stands in for costs that nobody told."
    name = "margin, so far and to come"
    return Card(money(total, currency), name, sentence, told["clv_total"].evidence)


def _index(told: Mapping[str, Told], row: Mapping[str, Value]) -> Card:
    index = _number(row, "loyalty_index")
    shown = UNKNOWN if index is None else f"{index:.0f} of 100"
    return Card(
        shown, "loyalty index", told["loyalty_index"].explanation, told["loyalty_index"].evidence
    )
