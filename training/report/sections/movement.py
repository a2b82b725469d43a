"""Who comes back, and how customers move between stages."""

from __future__ import annotations

import numpy as np

from engine.charts.bars import Bar, Layer, stacks
from engine.charts.heat import Axes, Cell, heat
from engine.charts.lines import Scaling, Spot, curve, series
from engine.charts.theme import Chart
from engine.loyalty.shop.flows import Flows
from engine.loyalty.shop.months import month_of
from engine.loyalty.shop.retention import Cohorts, kept_at_half_life
from training.report.blocks import Block, Figure, Section, Text
from training.report.data import Returning, ShopReport
from training.report.sections.stages import LOYALTY, SEPARATION, colour_of
from training.report.words import between, count, counted, day, month, share, title

MOST_COHORTS = 12
MOST_MONTHS = 12
MOST_QUARTERS = 8
FEW_COHORTS = 3
WAITED = (30, 90, 365)
YEAR = 365
QUARTER_MONTHS = 3


def returning(report: ShopReport) -> Section:
    """Cohorts, retention by quarter, the second order."""
    name = "Who comes back"
    found = report.returning
    if found is None:
        return Section("returning", name, "Nobody has ordered yet, so nobody could come back.")
    blocks: list[Block] = []
    if len(found.second.days):
        blocks.append(Figure(_second(found)))
    if found.cohorts is not None and len(found.cohorts.month) >= FEW_COHORTS:
        blocks.append(Figure(_cohorts(found.cohorts)))
        blocks.append(_first_cohort(found.cohorts))
    else:
        blocks.append(Text("Cohorts by month need three whole months with new customers."))
    if len(found.quarters) > 1:
        blocks.append(Figure(_quarters(found, share(report.config.report_confidence))))
    return Section("returning", name, _answer(found), blocks)


def flows(report: ShopReport) -> Section:
    """Stages month by month, and where customers went from each."""
    name = "How customers move"
    found = report.flows
    if found is None or not found.stock.sum():
        return Section(
            "flows",
            name,
            "Moves between stages need some five months of orders: a habit takes time to show.",
        )
    months = len(found.times) - 1
    new = int(found.entered.sum())
    answer = (
        f"{counted(new, 'new customer')} arrived in the last {counted(months, 'month')}, about "
        f"{count(new / months)} a month."
    )
    note = Text(
        "Stages of past months follow from orders alone, by today's yardstick: customers without "
        "an order are in none. The first months of the data are left out: a habit takes time to "
        "show.",
        quiet=True,
    )
    return Section("flows", name, answer, [Figure(_stock(found)), Figure(_moves(found)), note])


def _answer(found: Returning) -> str:
    rate = found.repurchase
    if not rate.trials:
        return (
            f"{counted(found.waiting_for_second, 'customer')} with one order may still come back; "
            "nobody has been a customer for a year yet."
        )
    older = (
        ""
        if found.whole_year
        else (" The data are too young to tell who of them was a customer before they begin.")
    )
    return (
        f"Of {counted(rate.trials, 'customer')} whose first order is over a year ago, "
        f"{between(rate)} ordered again.{older}"
    )


def _second(found: Returning) -> Chart:
    second = found.second
    last = float(second.days[-1])
    until = min(max(last, WAITED[0]), YEAR)
    days = [float(each) for each in second.days if each <= until]
    points = [(0.0, 0.0), *((each, second.by(each)) for each in days), (until, second.by(until))]
    spots = [
        Spot(float(each), second.by(each), f"{share(second.by(each))} in {each} days")
        for each in WAITED[:2]
        if each <= last
    ]
    began = (
        f" Customers whose first order came after {day(found.newcomers_from_ms)}: before, many "
        "were customers already."
        if found.newcomers_from_ms is not None
        else ""
    )
    seen = max((each for each in WAITED if each <= last), default=int(last))
    return curve(
        points,
        spots,
        Scaling("days since the first order", "share with a second order", x_format="d"),
        title=f"{share(second.by(seen))} of first-time customers order again within {seen} days",
        subtitle="Kaplan-Meier estimate: those who became customers lately count for as long as "
        f"they could be watched.{began}",
        steps=True,
    )


def _cohorts(cohorts: Cohorts) -> Chart:
    # The last month has no later one yet.
    shown = slice(max(len(cohorts.month) - 1 - MOST_COHORTS, 0), -1)
    shares = cohorts.shares()[shown, 1 : MOST_MONTHS + 1]
    labels = [
        f"{month(int(start))} · {count(size)}"
        for start, size in zip(cohorts.month[shown], cohorts.size[shown], strict=True)
    ]
    columns = [str(each + 1) for each in range(shares.shape[1])]
    most = float(np.nanmax(shares, initial=0.01))
    cells = [
        Cell(labels[row], columns[at], float(value) / most, share(round(float(value), 2)))
        for (row, at), value in np.ndenumerate(shares)
        if not np.isnan(value)
    ]
    return heat(
        cells,
        Axes(labels, columns, "", "months after the first order"),
        title=_typical(cohorts),
        subtitle="Share of each month's new customers (and how many they were) who ordered in "
        "each later month.",
    )


def _typical(cohorts: Cohorts) -> str:
    # The first cohort holds everybody who was a customer before the log began.
    active, size = cohorts.active[1:], cohorts.size[1:]
    parts = []
    for after, when in ((1, "order in the month after"), (6, "half a year on")):
        known = active[:, after] >= 0 if active.shape[1] > after else np.zeros(0, np.bool_)
        if known.any():
            rate = active[known, after].sum() / size[known].sum()
            parts.append(f"{share(float(rate))} {when}")
    if not parts:
        return "How many of each month's new customers order again"
    return f"Of new customers, {' and '.join(parts)}"


def _first_cohort(cohorts: Cohorts) -> Text:
    shown = len(cohorts.month) - 1 <= MOST_COHORTS
    first = f" {month(int(cohorts.month[0]))} is such a month." if shown else ""
    return Text(
        "The first month of the data counts everybody as new who was a customer before, and "
        f"regulars come first: it is left out of the averages above the table.{first}",
        quiet=True,
    )


def _quarters(found: Returning, confidence: str) -> Chart:
    quarters, years = found.quarters[-MOST_QUARTERS:], found.benchmark_years
    level = kept_at_half_life(years, months=QUARTER_MONTHS)
    bars = [
        Bar(
            f"from {month(each.month)}",
            each.share.value,
            share(each.share.value),
            each.share.low,
            each.share.high,
        )
        for each in quarters
        if each.share.trials
    ]
    last = quarters[-1].share
    return series(
        bars,
        benchmark=level,
        benchmark_text=f"half lost in {years:g} years: {share(level)}",
        title=f"{share(last.value)} of a quarter's customers came back in the next one",
        subtitle="Share of the customers of each three months who ordered in the three months "
        f"that begin then, with {confidence} intervals. The broken line is a yardstick "
        "from literature.",
    )


def _stock(found: Flows) -> Chart:
    months = [month(month_of(int(each))) for each in found.times]
    labels = [f"{each[:3]} {each[-2:]}" for each in months]
    layers = [
        Layer(title(stage), found.stock[:, at].tolist(), colour_of(stage))
        for at, stage in enumerate(found.stages)
        if found.stock[:, at].any()
    ]
    finding = "Customers by stage at the start of each month"
    if LOYALTY in found.stages:
        regulars = found.stock[:, found.stages.index(LOYALTY)]
        finding = (
            f"Regulars went from {count(regulars[0])} in {months[0]} to {count(regulars[-1])} in "
            f"{months[-1]}"
        )
    return stacks(
        labels, layers, title=finding, subtitle="Customers by stage at the start of each month."
    )


def _moves(found: Flows) -> Chart:
    names = [title(each) for each in found.stages]
    shares = found.shares()
    used = [at for at in range(len(names)) if found.moves[at].any() or found.moves[:, at].any()]
    cells = [
        Cell(names[row], names[column], float(shares[row, column]), share(shares[row, column]))
        for row in used
        for column in used
        if not np.isnan(shares[row, column])
    ]
    labels = [names[at] for at in used]
    return heat(
        cells,
        Axes(labels, labels, "", "where they are at its end", cell_height=38),
        title=_kept_stage(found),
        subtitle="Of customers in each stage (rows) at the start of a month, the share in each "
        "stage at its end; mean of the months shown.",
    )


def _kept_stage(found: Flows) -> str:
    if not {LOYALTY, SEPARATION} <= set(found.stages):
        return "Where customers go in a month"
    shares = found.shares()
    loyal, gone = found.stages.index(LOYALTY), found.stages.index(SEPARATION)
    stay, back = shares[loyal, loyal], 1 - shares[gone, gone]
    if np.isnan(stay) or np.isnan(back):
        return "Where customers go in a month"
    return (
        f"In a month {share(stay)} of regulars stay so, {share(back)} of those drifted off return"
    )
