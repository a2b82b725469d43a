"""What happened with one customer, and what the customer wants: the charts of their page."""

from __future__ import annotations

from collections.abc import Sequence

from engine.charts.bars import Bar, Pair, bars, pairs
from engine.charts.timeline import Event, Span, timeline
from engine.portrait import Taste
from training.ingest.parse import minor_digits
from training.report.blocks import Block, Figure, Section, Text
from training.report.sections.stages import colour_of
from training.report.words import count, counted, day, money, title

MOST_CATEGORIES = 10
MOST_RUNS = 6


def happened(
    orders: Sequence[Event], spans: Sequence[tuple[str, int, int]], *, currency: str | None
) -> Section:
    """The orders along time below the stages; `spans` are (stage, from, to) in ms."""
    name = "What happened"
    if not orders:
        return Section("happened", name, "No order yet, or none that was kept.")
    first, last = day(orders[0].at_ms), day(orders[-1].at_ms)
    answer = (
        f"{counted(len(orders), 'day')} with orders from {first} to {last}."
        if len(orders) > 1
        else f"One day with orders so far: {first}."
    )
    return Section("happened", name, answer, [_along(orders, spans, currency), *_runs(spans)])


def wanted(tastes: Sequence[Taste]) -> Section:
    """The categories by what was said and what was done."""
    name = "What is wanted"
    liked = [each for each in tastes if not each.excluded and each.score > 0][:MOST_CATEGORIES]
    unwanted = [each.category for each in tastes if each.excluded]
    rest: list[Block] = [Text(f"Not wanted: {', '.join(unwanted)}.")] if unwanted else []
    if not liked:
        answer = (
            "Nothing is known of what this customer wants: it takes purchases, views or baskets of "
            "items with a category, or preferences that the customer states."
        )
        return Section("wanted", name, answer, rest)
    first = ", then ".join(each.category for each in liked[:3])
    said = any(each.explicit for each in liked)
    source = "what was said and done" if said else "what was bought, viewed and put in the basket"
    answer = f"Most of all {first}, going by {source}."
    return Section("wanted", name, answer, [_categories(liked, said=said), *rest])


def _along(
    orders: Sequence[Event], spans: Sequence[tuple[str, int, int]], currency: str | None
) -> Figure:
    scale = 10 ** minor_digits(currency)
    total = sum(each.value for each in orders)
    drawn = timeline(
        [Event(each.at_ms, each.value / scale) for each in orders],
        [Span(title(stage), start, end, colour_of(stage)) for stage, start, end in spans],
        y=f"paid, {currency}" if currency else "paid",
        title=f"{money(total, currency)} in {counted(len(orders), 'order')}",
        subtitle="A bar for each day with orders, after refunds. The strip above them is the stage "
        "of the lifecycle, as orders alone tell it.",
    )
    return Figure(drawn)


def _runs(spans: Sequence[tuple[str, int, int]]) -> list[Block]:
    """The strip in words, for those who cannot see it and those who want the dates."""
    if not spans:
        return []
    told = [f"{stage} from {day(start)}" for stage, start, _ in spans[-MOST_RUNS:]]
    left_out = len(spans) - len(told)
    before = f"{counted(left_out, 'earlier change')}, then " if left_out else ""
    return [Text(f"Stages, looked at week by week: {before}{', '.join(told)}.", quiet=True)]


def _categories(liked: Sequence[Taste], *, said: bool) -> Figure:
    subtitle = "Recent acts count more than old ones, a purchase more than a view. "
    subtitle += f"The {count(len(liked))} strongest; a longer bar is a stronger wish."
    if not said:
        rows = [Bar(each.category, each.implicit) for each in liked]
        return Figure(bars(rows, title="Categories wanted, by what was done", subtitle=subtitle))
    both = [Pair(each.category, max(each.explicit, 0.0), each.implicit, ("", "")) for each in liked]
    drawn = pairs(
        both, names=("said", "done"), title="Categories wanted, said and done", subtitle=subtitle
    )
    return Figure(drawn)
