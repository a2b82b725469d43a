"""Strategies for what customers may do."""

from __future__ import annotations

from hypothesis import strategies as st

from engine.domain.events import Event, Line
from tests.events import a_purchase, a_refund, day

ITEMS = st.sampled_from(["tea", "coffee", "cocoa"])
ORDERS = st.sampled_from([None, "o1", "o2", "o3"])
# Millionths, as scales and measures give them, and whole numbers.
QUANTITIES = st.one_of(
    st.integers(1, 5).map(float), st.integers(1, 3_000_000).map(lambda n: n / 1_000_000)
)
PRICES = st.one_of(st.none(), st.integers(0, 1_000))
DAYS = st.integers(0, 6).map(day)


@st.composite
def purchases(draw: st.DrawFn, event_id: str) -> Event:
    """A purchase of one to three lines."""
    lines = draw(st.lists(st.builds(Line, ITEMS, QUANTITIES, PRICES), min_size=1, max_size=3))
    return a_purchase(event_id, *lines, order_id=draw(ORDERS), occurred_at=draw(DAYS))


@st.composite
def refunds(draw: st.DrawFn, event_id: str) -> Event:
    """A refund of a whole order or of up to two lines, by order or loose."""
    line = st.builds(Line, ITEMS, st.one_of(st.none(), QUANTITIES), PRICES)
    lines = draw(st.lists(line, max_size=2))
    order_id = draw(ORDERS) if lines else draw(st.sampled_from(["o1", "o2"]))
    return a_refund(event_id, *lines, order_id=order_id, occurred_at=draw(DAYS))


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Up to seven purchases and refunds of one customer, each with an id of its own."""
    kinds = draw(st.lists(st.sampled_from([purchases, refunds]), max_size=7))
    return [draw(kind(f"e{number}")) for number, kind in enumerate(kinds)]
