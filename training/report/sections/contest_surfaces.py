"""Each list judged for its own purpose, and what control costs."""

from __future__ import annotations

from engine.charts.bars import Bar, bars
from engine.charts.theme import BLUE, GREY, Chart
from training.evaluation.results import WORSE
from training.evaluation.surfaces.levers import NDCG, TRAITS
from training.evaluation.surfaces.results import Price, Setting, Surface, Surfaces
from training.evaluation.surfaces.wording import (
    against,
    change,
    gained,
    label,
    relative,
    summary,
    traits_of,
    written,
)
from training.evaluation.wording import figure
from training.report.blocks import Block, Figure, Section, Table, Terms, Text
from training.report.words import counted, share


def purposes(surfaces: Surfaces) -> Section:
    """Every surface: the question it answers, and its list beside simpler ones."""
    blocks: list[Block] = [_overview(surfaces)]
    for each in surfaces.tried:
        blocks += [Text(f"{each.name}: {each.question}"), _table(each)]
    blocks.append(
        Text(
            "Intervals are those of a paired bootstrap over the cases, "
            f"{share(surfaces.confidence)}, each by itself. Baskets, visits and what is bought "
            "together are tried on orders, all else on what customers bought in the whole window.",
            quiet=True,
        )
    )
    blocks += [Text(note, quiet=True) for each in surfaces.tried for note in each.notes]
    return Section("purposes", "Each list for its own purpose", summary(surfaces.tried), blocks)


def control(price: Price) -> Section:
    """What each lever costs in accuracy, and what it gives."""
    moved = [each for each in price.settings if each.cost is not None]
    names = traits_of(price)
    rows = [
        (
            label(each),
            change(each),
            *(written(name, each.values.get(name)) for name in names if name != NDCG),
        )
        for each in price.settings
    ]
    headings = ["Lever", "Change of nDCG", *(TRAITS[n].title for n in names if n != NDCG)]
    blocks: list[Block] = [
        Figure(_costs(price, moved)),
        Table(headings, rows, frozenset(range(2, len(headings)))),
        *(Text(note, quiet=True) for note in price.notes),
        Text(
            "Beside each lever stands its number in the table of control: the weight of diversity "
            "and of calibration, the share of relevance that margin may cost, and the share of "
            "places for the long tail or to explore with.",
            quiet=True,
        ),
        Terms([(TRAITS[name].title, f"{TRAITS[name].meaning}.") for name in names]),
    ]
    answer = (
        "Every lever that makes lists otherwise than their scores would is paid for in accuracy. "
        f"Each was moved by itself, for the same {counted(price.customers, 'customer')}."
    )
    return Section("control", "What control costs", answer, blocks)


def _overview(surfaces: Surfaces) -> Table:
    rows = []
    for each in surfaces.tried:
        other = each.strongest
        rows.append(
            (
                each.name,
                f"{counted(each.cases, each.unit)}",
                each.columns[0],
                figure(each.first.values[0]),
                f"{other.name}, {figure(other.values[0])}" if other else "",
                against(each, other.name) if other else "",
            )
        )
    headings = ["List", "Tried on", "Judged by", "Regulars", "Strongest other", "Difference"]
    return Table(headings, rows, frozenset({3}))


def _table(surface: Surface) -> Table:
    rows = [
        (
            each.name,
            *(figure(value) for value in each.values),
            "" if each is surface.first else against(surface, each.name),
        )
        for each in surface.rows
    ]
    headings = ["List", *surface.columns, f"{surface.rows[0].name} is"]
    caption = counted(surface.cases, surface.unit)
    if surface.drawn_from > surface.cases:
        caption += f", drawn from {surface.drawn_from:,}"
    return Table(headings, rows, frozenset(range(1, len(surface.columns) + 1)), caption)


def _costs(price: Price, moved: list[Setting]) -> Chart:
    rows = [_bar(each, price.plain) for each in moved]
    dearest = max(moved, key=_lost, default=None)
    title = (
        f"{dearest.lever.capitalize()} at {dearest.strength} costs most: "
        f"{relative(dearest.cost)} nDCG"
        if dearest is not None and dearest.cost is not None and _lost(dearest) > 0
        else "No lever costs accuracy here"
    )
    return bars(
        rows,
        title=title,
        subtitle="nDCG lost, as a share of that of the lists as they are scored; whiskers: its "
        "interval. Grey: may be chance.",
    )


def _bar(setting: Setting, plain: Setting) -> Bar:
    cost, base = setting.cost, plain.values.get(NDCG)
    if cost is None or cost.value is None or not base:
        return Bar(label(setting), 0.0)
    sure = cost.outcome == WORSE
    return Bar(
        label(setting),
        max(-cost.value / base, 0.0),
        f"{relative(cost)} for {gained(setting, plain)}",
        low=None if cost.high is None else max(-cost.high / base, 0.0),
        high=None if cost.low is None else max(-cost.low / base, 0.0),
        colour=BLUE if sure else GREY,
    )


def _lost(setting: Setting) -> float:
    return -(setting.cost.value or 0.0) if setting.cost is not None else 0.0
