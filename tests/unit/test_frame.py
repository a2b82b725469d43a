"""A DataFrame of purchases in, a DataFrame of features out."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pytest

from engine.domain.events import Event, EventType, Line, to_ms
from engine.errors import DataRefused
from engine.loyalty.cuts import Cuts
from engine.loyalty.features.registry import FEATURES, features
from engine.loyalty.frame import customer_features
from engine.loyalty.gather import states_of
from engine.loyalty.state import NEW, apply_all

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def purchases() -> pd.DataFrame:
    rows = [
        ("ann", "o1", "tea", "2024-01-05T10:00Z", 2.0, 150, 0),
        ("ann", "o1", "jam", "2024-01-05T10:00Z", 1.0, 400, 100),
        ("ann", "o2", "tea", "2024-02-05T09:00Z", 1.0, 150, 0),
        ("bob", "o3", "jam", "2024-05-30T23:59Z", 1.0, 400, 0),
        ("ann", "o4", "tea", "2024-02-05T09:20Z", 1.0, 150, 0),
    ]
    names = "customer_id order_id item_id occurred_at quantity unit_price discount"
    frame = pd.DataFrame(rows, columns=names.split())
    return frame.assign(occurred_at=pd.to_datetime(frame["occurred_at"], utc=True))


def test_each_customer_has_a_row_with_every_feature():
    frame = customer_features(purchases(), now=NOW)

    assert isinstance(frame, pd.DataFrame)
    assert list(frame["customer_id"]) == ["ann", "bob"]
    assert list(frame.columns[1:]) == list(FEATURES)
    # Two orders of one day count once; the discount is taken off.
    assert list(frame["orders"]) == [2, 1]
    assert list(frame["revenue"]) == [900, 400]
    assert frame["last_order_at"][1] == pd.Timestamp("2024-05-30T23:59Z")
    assert frame["nps"].isna().all()


def test_the_features_are_those_of_the_events_told_one_by_one():
    cuts = Cuts.untrained()
    frame = customer_features(pa.Table.from_pandas(purchases()), now=NOW, cuts=cuts)

    states = states_of([(who, apply_all(NEW, events(who))) for who in ("ann", "bob")], {})
    told = features(states, cuts, now_ms=to_ms(NOW))

    for name, column in told.columns.items():
        expected = [None if value is None else value for value in map(told.row, range(2))]
        got = [plain(value) for value in frame[name].to_pylist()]
        assert got == [row[name] for row in expected], name
        assert column.values.shape == (2,)


def test_a_moment_without_a_zone_is_no_moment():
    with pytest.raises(DataRefused, match="no time zone"):
        customer_features(purchases(), now=datetime(2024, 6, 1))


def test_without_orders_what_is_bought_at_one_moment_is_one():
    frame = purchases().drop(columns=["order_id", "item_id", "discount"])

    assert list(customer_features(frame, now=NOW)["orders"]) == [2, 1]


def test_times_may_be_texts_with_an_offset_or_without():
    with_offset = purchases().assign(occurred_at="2024-01-05T10:00:00.000250+02:00")
    without = purchases().assign(occurred_at="2024-01-05 08:00:00")

    first = customer_features(with_offset, now=NOW)["first_order_at"]

    assert list(first) == list(customer_features(without, now=NOW)["first_order_at"])
    assert first[0] == pd.Timestamp("2024-01-05T08:00Z")


def test_the_first_text_that_is_no_time_is_named():
    frame = purchases().assign(occurred_at="2024-01-05T10:00:00+02:00")
    frame.loc[2, "occurred_at"] = "not a date"

    with pytest.raises(DataRefused, match="occurred_at 'not a date' is no time; write it as 2026"):
        customer_features(frame, now=NOW)


def test_times_with_an_offset_and_without_do_not_mix():
    frame = purchases().assign(occurred_at="2024-01-05T10:00:00+02:00")
    frame.loc[2, "occurred_at"] = "2024-01-05T10:00:00"

    with pytest.raises(DataRefused, match="some of occurred_at have an offset and others none"):
        customer_features(frame, now=NOW)


def test_money_that_is_not_in_minor_units_is_told_by_column():
    frame = purchases().assign(discount=0.37)

    with pytest.raises(DataRefused, match=r"discount cannot be read.*minor units, 499 for 4.99"):
        customer_features(frame, now=NOW)


def test_what_comes_after_now_does_not_exist():
    early = datetime(2024, 2, 1, tzinfo=UTC)

    assert list(customer_features(purchases(), now=early)["customer_id"]) == ["ann"]


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        (pd.DataFrame({"customer": ["a"]}), "no column customer_id, occurred_at"),
        (purchases().assign(quantity=-1.0), "a quantity is not above 0"),
        (purchases().assign(customer_id=None), "customer_id is missing in 5 rows"),
        (purchases().assign(unit_price="much"), "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(frame: pd.DataFrame, complaint: str):
    with pytest.raises(DataRefused, match=complaint):
        customer_features(frame, now=NOW)


def events(customer_id: str) -> list[Event]:
    own = purchases()[lambda each: each["customer_id"] == customer_id]
    return [
        Event(
            order_id,
            EventType.PURCHASE,
            occurred_at=lines["occurred_at"].iloc[0].to_pydatetime(),
            customer_id=customer_id,
            order_id=order_id,
            lines=tuple(
                Line(line.item_id, line.quantity, line.unit_price, line.discount)
                for line in lines.itertuples()
            ),
        )
        for order_id, lines in own.groupby("order_id")
    ]


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return float(to_ms(value))
    return float(value) if isinstance(value, bool) else value
