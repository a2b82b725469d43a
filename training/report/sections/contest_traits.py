"""What the lists are like apart from being right, and what they cost."""

from __future__ import annotations

from engine.charts.lines import Scaling
from engine.charts.plots import Dot, scatter
from training.evaluation.beyond import BEYOND, COVERAGE, NOVELTY, PERSONALISATION
from training.evaluation.results import Cost, Evaluation, Result
from training.evaluation.wording import figure, listed, percent, title_of
from training.report.blocks import Block, Figure, Section, Table, Text
from training.report.sections.contest import colour_of
from training.report.words import UNKNOWN, count

MINUTE = 60


def variety(evaluation: Evaluation) -> Section:
    """Accuracy beside coverage and novelty, and all properties of the lists in a table."""
    first = evaluation.first
    shown, differ = (first.beyond[name] for name in (COVERAGE, PERSONALISATION))
    answer = (
        f"{first.name} shows {percent(shown)} of the catalogue; two customers' lists differ in "
        f"{percent(differ)} of their places on average. None of this says whether a list is "
        "right, but a shop that shows everybody the same is easy to leave."
    )
    figures = [
        _trade_off(evaluation, COVERAGE, "share of the catalogue shown", "%"),
        _trade_off(evaluation, NOVELTY, "novelty in bits: one more is half as popular", ".1~f"),
    ]
    names = [name for name in BEYOND if any(e.beyond[name] is not None for e in evaluation.results)]
    headings = ["Model", *(BEYOND[name].title for name in names)]
    rows = [(each.name, *(_number(each, name) for name in names)) for each in evaluation.results]
    table = Table(headings, rows, frozenset(range(1, len(headings))))
    less = listed([BEYOND[name].title for name in names if not BEYOND[name].more])
    about = Text(f"More is better, other things equal; less for {less}.", quiet=True)
    return Section(
        "variety",
        "What the lists are like",
        answer,
        [*(each for each in figures if each), table, about],
    )


def costs(evaluation: Evaluation) -> Section:
    """Time to fit, lists a second, memory."""
    name = "What it costs"
    rows = [(each.name, *_spent(each.cost)) for each in evaluation.results]
    if all(set(row[1:]) == {UNKNOWN} for row in rows):
        return Section("costs", name, "Costs were not measured.")
    own = evaluation.first.cost
    parts = [
        f"takes {_seconds(own.fit_seconds)} to fit" if own.fit_seconds is not None else "",
        f"makes {_rate(own.lists_per_second)} lists a second" if own.lists_per_second else "",
        f"holds {_megabytes(own.memory_mb)}" if own.memory_mb is not None else "",
    ]
    answer = f"{evaluation.first.name} {', '.join(filter(None, parts)) or 'was not measured'}."
    blocks: list[Block] = [
        Table(["Model", "To fit", "Lists a second", "Memory"], rows, frozenset({1, 2, 3})),
        Text(
            "Measured once, on the machine that made this page, with whatever else ran there.",
            quiet=True,
        ),
    ]
    return Section("costs", name, answer, blocks)


def _trade_off(evaluation: Evaluation, name: str, axis: str, written: str) -> Figure | None:
    known = [each for each in evaluation.results if each.beyond[name] is not None]
    if len(known) < 2:
        return None
    dots = [
        Dot(
            each.name,
            each.beyond[name] or 0.0,
            evaluation.score(each),
            colour_of(evaluation, each),
        )
        for each in reversed(known)
    ]
    most = max(known, key=lambda each: each.beyond[name] or 0.0)
    return Figure(
        scatter(
            dots,
            Scaling(axis, title_of(evaluation), written, ".2~f"),
            title=f"{BEYOND[name].title} is highest for {most.name}: {_number(most, name)}",
            subtitle="Up is more accurate, right is more varied. A model that another one has "
            "above and to its right has nothing to offer here.",
        )
    )


def _number(result: Result, name: str) -> str:
    value = result.beyond[name]
    if value is None:
        return UNKNOWN
    return f"{value:.1f} bits" if name == NOVELTY else figure(value)


def _spent(cost: Cost) -> tuple[str, str, str]:
    return (
        _seconds(cost.fit_seconds),
        _rate(cost.lists_per_second),
        _megabytes(cost.memory_mb),
    )


def _seconds(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    if value >= 2 * MINUTE:
        return f"{value / MINUTE:.1f} min"
    return f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"


def _rate(value: float | None) -> str:
    return UNKNOWN if value is None else count(value)


def _megabytes(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{count(value)} MB" if value >= 10 else f"{value:.1f} MB"
