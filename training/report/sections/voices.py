"""What customers complain about, and why they leave."""

from __future__ import annotations

from collections.abc import Sequence

from engine.charts.bars import Bar, bars
from engine.charts.theme import BLUE, GREY, Chart
from engine.loyalty.shop.pareto import Cause
from training.report.blocks import Block, Figure, Section, Text
from training.report.data import Complaints, Exits, ShopReport
from training.report.words import between, count, counted, share, title

MOST_CAUSES = 10
# The causes that make most of it are the ones to work on.
VITAL = 0.8


def voices(report: ShopReport) -> Section:
    """Complaints by topic, how they were answered, and reasons for leaving."""
    name = "What customers complain about, and why they leave"
    blocks: list[Block] = []
    if report.complaints is not None and report.complaints.cases:
        blocks += _complaints(report.complaints, share(report.config.report_confidence))
        answer = _voiced(report.complaints)
    else:
        answer = (
            "No complaint is recorded in the last 12 months. That is no proof of satisfaction: "
            "send complaint and complaint_resolved events, and this part fills itself."
        )
    if report.exits is not None and report.exits.causes:
        blocks += _exits(report.exits, share(report.config.report_confidence))
    else:
        blocks.append(
            Text(
                "Why customers leave is not known: ask on the unsubscribe form (exit_reason), or "
                "send complaints with their topic."
            )
        )
    return Section("voices", name, answer, blocks)


def _voiced(found: Complaints) -> str:
    return (
        f"{counted(found.complaining, 'customer')} complained in 12 months. If, as is commonly "
        f"assumed, only {share(found.voiced)} of dissatisfied customers say so, some "
        f"{count(found.dissatisfied)} are dissatisfied."
    )


def _complaints(found: Complaints, confidence: str) -> list[Block]:
    still = "is" if found.open == 1 else "are"
    answered = (
        f"{count(found.open)} of {counted(found.cases, 'complaint')} {still} still open. Resolved "
        f"in the promised time: {between(found.kept)}. Ordered again after the resolution: "
        f"{between(found.recovered)}."
    )
    finding = _most(found.causes, "of complaints")
    drawn = _pareto(
        found.causes, finding, f"Complaints of 12 months by topic, with {confidence} intervals"
    )
    return [Figure(drawn), Text(answered)]


def _exits(found: Exits, confidence: str) -> list[Block]:
    sources = (
        f"{counted(found.stated, 'customer')} said why; for {count(found.inferred)} it is inferred "
        "from their last complaint before they stayed away."
    )
    service = (
        f"Service is the reason for {between(found.service)}. The literature often quotes "
        f"{share(found.benchmark)}: a yardstick, no target."
    )
    finding = _most(found.causes, "of known reasons to leave")
    return [
        Figure(_pareto(found.causes, finding, f"Why customers left, with {confidence} intervals")),
        Text(f"{sources} {service}"),
    ]


def _most(causes: Sequence[Cause], of: str) -> str:
    first = causes[0]
    return f"{title(first.name)} makes {share(first.share.value)} {of}"


def _pareto(causes: Sequence[Cause], finding: str, what: str) -> Chart:
    rows = [
        Bar(
            title(each.name),
            each.share.value,
            f"{share(each.share.value)} ({count(each.share.hits)}) · {share(each.running)} so far",
            each.share.low,
            each.share.high,
            BLUE if each.running - each.share.value < VITAL else GREY,
        )
        for each in causes[:MOST_CAUSES]
    ]
    return bars(
        rows,
        title=finding,
        subtitle=f"{what}; in blue those that make the first {share(VITAL)}.",
    )
