"""Who the regulars are, who is slipping away, and how unevenly revenue is spread."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from engine.charts.bars import Bar, Pair, histogram, pairs
from engine.charts.heat import Axes, Cell, heat
from engine.charts.lines import Scaling, Spot, agreement, curve
from engine.charts.theme import AMBER, RED, SKY, Chart
from training.report.blocks import Block, Figure, Section, Table, Text
from training.report.data import Concentration, Group, RfmMap, ShopReport, SlippingAway
from training.report.sections.stages import FAMILIARITY, LOYALTY, MEANING, SEPARATION
from training.report.words import count, counted, money, share, title

TOP = 0.2
RECENT_AND_FREQUENT = 3
SCORES = 5
# Less than this share of the revenue at risk is no reason to worry.
LITTLE = 0.05


def regulars(report: ShopReport) -> Section:
    """The stages of the lifecycle and the map of recency and frequency."""
    name = "Who your regulars are"
    if not report.stages:
        return Section("regulars", name, "Nobody has ordered yet, so there is nobody to describe.")
    currency = report.shop.currency
    blocks: list[Block] = [
        Figure(_stages(report.stages, currency)),
        _groups(report.stages, "Stage", currency, meaning=True),
    ]
    if report.rfm is not None:
        blocks.append(Figure(_map(report.rfm)))
    if report.rfm_segments:
        blocks.append(_groups(report.rfm_segments, "RFM segment", currency))
    return Section("regulars", name, _who(report.stages), blocks)


def slipping(report: ShopReport) -> Section:
    """The customers to write to today."""
    name = "Who is slipping away and worth keeping"
    found = report.slipping
    if found is None or not found.customers:
        answer = (
            "Among your more valuable customers nobody is late by their own rhythm right now."
            if found is not None
            else "This needs a trained customer model: enough customers who ordered repeatedly."
        )
        return Section("slipping", name, answer)
    currency = report.shop.currency
    worry = (
        "Most of them will be back by themselves: no cause for alarm. "
        if found.at_risk < LITTLE * found.revenue
        else ""
    )
    answer = (
        f"{counted(found.customers, 'valuable customer')} "
        f"{'is' if found.customers == 1 else 'are'} late by their own rhythm. {worry}They spent "
        f"{money(found.revenue, currency)} in 12 months; {money(found.at_risk, currency)} of it "
        "is at risk."
    )
    return Section("slipping", name, answer, [_late(found, currency), _how_at_risk()])


def concentration(report: ShopReport) -> Section:
    """The curve of revenue over customers."""
    name = "How much depends on how few"
    found = report.concentration
    if found is None:
        return Section("concentration", name, "No revenue in the last 12 months to share out.")
    finding = f"The best 20% of customers bring {share(found.top_share)} of revenue"
    drawn = curve(
        found.curve,
        [Spot(TOP, found.top_share, f"20% bring {share(found.top_share)}")],
        Scaling("share of customers, those who spent most first", "share of revenue"),
        title=finding,
        subtitle=f"Revenue of the last 12 months from {counted(found.customers, 'customer')}.",
    )
    best = round(found.customers * TOP)
    answer = f"{finding}: {counted(best, 'customer')} of {count(found.customers)}.{_worth(found)}"
    gini = Text(
        f"The Gini coefficient is {found.gini:.2f}: 0 would mean that all spend the same, 1 that "
        "a single customer spends everything.",
        quiet=True,
    )
    return Section("concentration", name, answer, [Figure(drawn), gini])


def risk(report: ShopReport) -> Section:
    """How likely customers are to order again, and whether that can be believed."""
    name = "How likely customers are to order again"
    found = report.risk
    if found is None:
        return Section("risk", name, "The chance to order again needs a trained customer model.")
    total = max(sum(found.customers), 1)
    low, high = found.bands
    bars = [
        Bar(
            f"{number * 10}–{number * 10 + 10}%",
            float(customers),
            count(customers),
            colour=_band((number + 0.5) / 10, found.bands),
        )
        for number, customers in enumerate(found.customers)
    ]
    finding = f"{share(found.high / total)} of customers are unlikely to order in the next 90 days"
    drawn = histogram(
        bars,
        across="churn risk: the chance of no order in the next 90 days",
        title=finding,
        subtitle=f"Customers by churn risk; medium from {share(low)}, high above {share(high)}.",
    )
    answer = (
        f"{count(found.low)} are likely to order in the next 90 days, {count(found.medium)} may, "
        f"{count(found.high)} are unlikely to."
    )
    return Section("risk", name, answer, [Figure(drawn), *_calibration(report)])


def _worth(found: Concentration) -> str:
    others = (1 - found.top_share) / (1 - TOP)
    if others <= 0:
        return ""
    times = found.top_share / TOP / others
    return f" On average, one of them spends as much as {count(times)} of the others."


def _who(stages: Sequence[Group]) -> str:
    for group in stages:
        if group.name == LOYALTY and group.customers:
            regular = counted(group.customers, "customer")
            are = "is a regular" if group.customers == 1 else "are regulars"
            return f"{regular} {are}: they order by habit, by their own rhythm. {_others(stages)}"
    return "No customer orders regularly enough yet to be called a regular."


def _others(stages: Sequence[Group]) -> str:
    size = {each.name: each.customers for each in stages}
    return (
        f"{count(size.get(FAMILIARITY, 0))} more have ordered repeatedly and may become so; "
        f"{count(size.get(SEPARATION, 0))} are far later than usual for them."
    )


def _stages(stages: Sequence[Group], currency: str | None) -> Chart:
    customers, revenue = _totals(stages)
    regular = next((each for each in stages if each.name == LOYALTY), None)
    finding = "Customers and revenue by stage of the relationship"
    if regular is not None and regular.customers and revenue:
        finding = (
            f"Regulars are {share(regular.customers / customers)} of customers and bring "
            f"{share(regular.revenue / revenue)} of revenue"
        )
    rows = [
        Pair(
            title(each.name),
            each.customers / customers if customers else 0.0,
            max(each.revenue, 0) / revenue if revenue > 0 else 0.0,
            (
                f"{count(each.customers)} · {_part(each.customers, customers)}",
                f"{money(each.revenue, currency)} · {_part(each.revenue, revenue)}",
            ),
        )
        for each in stages
    ]
    return pairs(
        rows,
        names=("share of customers", "share of revenue, 12 months"),
        title=finding,
        subtitle="Stage of the relationship, from getting to know to parting.",
    )


def _groups(
    groups: Sequence[Group], heading: str, currency: str | None, *, meaning: bool = False
) -> Table:
    customers, _ = _totals(groups)
    rows = [
        (
            title(each.name),
            *([MEANING.get(each.name, "")] if meaning else []),
            count(each.customers),
            _part(each.customers, customers),
            money(each.revenue, currency),
            share(each.again),
            money(each.value, currency),
        )
        for each in groups
    ]
    headings = [
        heading,
        *(["What it means"] if meaning else []),
        "Customers",
        "Share",
        "Revenue, 12 months",
        "Chance to order in 90 days",
        "Margin to come, each",
    ]
    first = 2 if meaning else 1
    return Table(headings, rows, frozenset(range(first, len(headings))))


def _map(rfm: RfmMap) -> Chart:
    recent = rfm.revenue[RECENT_AND_FREQUENT:, RECENT_AND_FREQUENT:].sum()
    total, most = rfm.revenue.sum(), max(int(rfm.revenue.max()), 1)
    often = ["1 seldom", "2", "3", "4", "5 often"]
    lately = ["1 long ago", "2", "3", "4", "5 lately"]
    cells = [
        Cell(
            often[f],
            lately[r],
            # By the root: one cell of champions would leave all others pale.
            sqrt(max(float(rfm.revenue[r, f]), 0.0) / most),
            count(rfm.customers[r, f]) if rfm.customers[r, f] else "",
        )
        for r in range(SCORES)
        for f in range(SCORES)
    ]
    part = share(recent / total) if total > 0 else "none"
    return heat(
        cells,
        Axes(often[::-1], lately, "how often", "how lately", cell_height=38),
        title=f"Customers who ordered lately and often bring {part} of revenue",
        subtitle="Number of customers by scores of 1 to 5; a stronger colour is more revenue. "
        "Lately and often: scores 4 and 5.",
    )


def _late(found: SlippingAway, currency: str | None) -> Table:
    rows = [
        (
            each.customer_id,
            money(each.revenue, currency),
            share(each.risk),
            money(each.at_risk, currency),
            "; ".join(each.reasons),
        )
        for each in found.rows
    ]
    shown = "" if len(rows) >= found.customers else f"The {len(rows)} with most at risk."
    return Table(
        ["Customer", "Spent, 12 months", "Churn risk", "At risk", "Why"],
        rows,
        frozenset({1, 2, 3}),
        shown,
    )


def _how_at_risk() -> Text:
    return Text(
        "At risk: what the customer spent in the last 12 months times the chance of no order in "
        "the next 90 days.",
        quiet=True,
    )


def _calibration(report: ShopReport) -> list[Block]:
    if not report.calibration:
        return []
    groups = report.calibration
    customers = sum(each.customers for each in groups)
    off = sum(abs(each.predicted - each.happened) * each.customers for each in groups)
    points = 100 * off / max(customers, 1)
    drawn = agreement(
        [(each.predicted, each.happened) for each in groups],
        Scaling("chance to order that was predicted", "share that ordered", most=1.0),
        title=f"Predicted chances were off by {points:.1f} points of 100 on average",
        subtitle="Customers in groups by predicted chance, against what they did afterwards; on "
        "the broken line both agree.",
    )
    return [Figure(drawn)]


def _band(middle: float, bands: tuple[float, float]) -> str:
    low, high = bands
    if middle < low:
        return SKY
    return AMBER if middle < high else RED


def _totals(groups: Sequence[Group]) -> tuple[int, int]:
    return sum(each.customers for each in groups), sum(each.revenue for each in groups)


def _part(amount: float, total: float) -> str:
    return share(amount / total) if total > 0 else share(0.0)
