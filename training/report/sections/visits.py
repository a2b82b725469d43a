"""From visit to order."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from engine.charts.bars import Bar, bars
from engine.charts.theme import Chart
from engine.loyalty.shop.funnel import Funnel, Verdict
from training.report.blocks import Block, Figure, Section, Table, Text
from training.report.data import Comparison, ShopReport
from training.report.words import between, count, counted, share, title

NAMES = ("All visits", "Looked at something", "Showed intent", "Ordered")
STEPS = MappingProxyType(
    {
        "browsed": "visit to a look",
        "shopped": "look to intent",
        "bought": "intent to order",
        "visit to order": "visit to order",
        "ordered again": "order to the next",
    }
)


def visiting(report: ShopReport) -> Section:
    """The funnel of all visits, and of groups beside the rest."""
    name = "From visit to order"
    found = report.visiting
    if found is None or not found.overall.counts[0]:
        return Section(
            "visits", name, "No visits of known customers in the last 12 months are recorded."
        )
    if not found.overall.browsing:
        return Section(
            "visits",
            name,
            "The shop sends orders only, so there is no funnel to show. Send view_item, "
            "add_to_cart and begin_checkout events, and this part fills itself.",
        )
    visits, _, _, orders = found.overall.counts
    answer = (
        f"Of {counted(visits, 'visit')} by known customers in the last 12 months, "
        f"{counted(orders, 'visit')} ({share(orders / visits)}) ended in an order."
    )
    blocks: list[Block] = [Figure(_funnel(found.overall))]
    if found.comparisons:
        confidence = report.config.report_confidence
        blocks += [_table(found.comparisons, confidence=confidence), _caution(found.comparisons)]
    return Section("visits", name, answer, blocks)


def _funnel(funnel: Funnel) -> Chart:
    rates = [
        size / max(last, 1) for size, last in zip(funnel.counts[1:], funnel.counts, strict=False)
    ]
    texts = ["", *(f" · {share(rate)} of those before" for rate in rates)]
    rows = [
        Bar(name, float(size), f"{count(size)}{text}")
        for name, size, text in zip(NAMES, funnel.counts, texts, strict=True)
    ]
    worst = min(range(len(rates)), key=rates.__getitem__)
    return bars(
        rows,
        title=f"Most visits are lost before “{NAMES[worst + 1].lower()}”",
        subtitle="Intent: something in the cart, a checkout begun, or one item viewed twice. Each "
        "step includes the ones below; visits by programs are left out.",
    )


def _table(comparisons: Sequence[Comparison], *, confidence: float) -> Table:
    rows = [
        (
            title(each.name),
            STEPS[step.step],
            between(step.share),
            between(step.control),
            _verdict(step.verdict),
        )
        for each in comparisons
        for step in each.steps
        if step.share.trials
    ]
    control = comparisons[0].control
    return Table(
        ["Group", "Step", f"Rate ({share(confidence)} interval)", title(control), "Verdict"],
        rows,
        frozenset({2, 3}),
        "Verdicts are corrected for the number of steps (Holm); where visits are too few there is "
        "none.",
    )


def _caution(comparisons: Sequence[Comparison]) -> Text:
    descriptive = any(step.descriptive for each in comparisons for step in each.steps)
    words = (
        "Descriptive: nobody drew lots who belongs to which group, so a difference is no effect of "
        "the group."
        if descriptive
        else "Customers were assigned by lot, so a difference is an effect."
    )
    return Text(words, quiet=True)


def _verdict(verdict: Verdict) -> str:
    return {Verdict.HIGHER: "▲ higher", Verdict.LOWER: "▼ lower"}.get(verdict, verdict.value)
