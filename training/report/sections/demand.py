"""Which categories rise and fall, what segments there are, and what is not known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from types import MappingProxyType

from engine.charts.bars import Bar
from engine.charts.lines import slopes
from engine.charts.theme import AMBER, BLUE, GREY, Chart
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.shop.trend import Direction, Trend
from training.report.blocks import Block, Figure, Section, Table, Terms, Text
from training.report.data import Judged, SegmentRow, ShopReport
from training.report.sections.stages import MEANING
from training.report.words import count, counted, day, money, share, signed, title

MOST_TRENDS = 16
COLOURS = {Direction.RISING: BLUE, Direction.FALLING: AMBER, Direction.FLAT: GREY}
CHECKS = MappingProxyType(
    {
        "Differs": "its customers prefer other categories, or are worth more or less, than the "
        "rest.",
        "Pays": "a treatment of its own brings more than it costs.",
        "Workable": "large enough, reachable by consent, and stable from month to month.",
    }
)
PAYS_UNKNOWN = (
    "Whether a treatment of its own pays for a segment is not known: that takes its costs, and a "
    "group that is left without it."
)


def trends(report: ShopReport) -> Section:
    """The trend of each category's weekly units."""
    name = "Which categories rise and fall"
    if not report.trends:
        return Section(
            "trends", name, "No item has a category. Send categories with the items to see this."
        )
    clear = [each for each in report.trends if each.direction is not Direction.TOO_THIN]
    if not clear:
        return Section(
            "trends",
            name,
            "No category sells enough units a week, for long enough, to show a trend.",
        )
    tally = Counter(each.direction for each in clear)
    finding = (
        f"{count(tally[Direction.RISING])} rising, {count(tally[Direction.FALLING])} falling, "
        f"{count(tally[Direction.FLAT])} flat"
    )
    shown = sorted(_worth_showing(clear), key=lambda each: (-each.change(), each.name))
    answer = (
        f"Of {counted(len(clear), 'category', 'categories')} that sell enough to tell: {finding}."
    )
    blocks: list[Block] = [
        Figure(_slopes(shown, finding, report.config)),
        _about(clear, len(report.trends), report.config.trend_confidence),
    ]
    return Section("trends", name, answer, blocks)


def segments(report: ShopReport) -> Section:
    """Each segment with what its customers bring and whether it is worth having."""
    name = "Your segments"
    if not report.segments:
        return Section("segments", name, "No segment has a member yet.")
    answer = (
        f"{counted(len(report.segments), 'segment')} with members; a customer may be in several."
    )
    checks = [each for each in CHECKS if any(_found(row, each) for row in report.segments)]
    blocks: list[Block] = [_segments(report.segments, report, checks)]
    blocks += [Text(f"{each}: {CHECKS[each]}", quiet=True) for each in checks]
    if "Pays" not in checks:
        blocks.append(Text(PAYS_UNKNOWN, quiet=True))
    return Section("segments", name, answer, blocks)


def notes(report: ShopReport) -> Section:
    """Definitions, assumptions, what is not known and what would help."""
    shop = report.shop
    span = (
        "There are no orders yet."
        if shop.first_ms is None
        else f"Orders from {day(shop.first_ms)} to {day(shop.last_ms)}."
    )
    version = (
        f"Customer model {shop.version}."
        if shop.version
        else "No trained model is live: what is expected is fitted to these data alone."
    )
    answer = (
        f"As of {day(shop.as_of_ms)} (UTC): {counted(shop.known, 'known customer')}, "
        f"{count(shop.buyers)} with an order. {span} {version}"
    )
    blocks: list[Block] = [Terms(_terms(report))]
    blocks += [Text(each, quiet=True) for each in report.assumptions]
    if report.unknown:
        rows = [(title(each.what), share(each.known), each.needs) for each in report.unknown]
        blocks.append(
            Table(
                ["Not known, or of few", "Known of", "What would tell"],
                rows,
                frozenset({1}),
                "What would make this page tell more",
            )
        )
    return Section("notes", "Definitions and data", answer, blocks)


def _slopes(shown: Sequence[Trend], finding: str, config: LoyaltyConfig) -> Chart:
    rows = [
        Bar(
            each.name,
            each.change(),
            f"{count(each.typical)} a week, {signed(each.slope)} each week",
            each.relative(each.low),
            each.relative(each.high),
            COLOURS[each.direction],
        )
        for each in shown
    ]
    return slopes(
        rows,
        title=f"Demand: {finding}",
        subtitle=f"Change of weekly units over {config.trend_weeks} weeks against an average week, "
        f"with {share(config.trend_confidence)} intervals: those that move "
        "most units, then the largest others. At the side: a typical week, and the units by which "
        "weeks rise or fall.",
    )


def _worth_showing(clear: Sequence[Trend]) -> list[Trend]:
    """What rises and falls by most units, and the largest of the rest."""
    moved = sorted(clear, key=lambda each: (-abs(each.slope), each.name))
    shown = [
        each
        for direction in (Direction.RISING, Direction.FALLING)
        for each in [each for each in moved if each.direction is direction][: MOST_TRENDS // 2]
    ]
    largest = sorted(clear, key=lambda each: (-each.typical, each.name))
    others = [each for each in largest if each.direction is Direction.FLAT]
    return [*shown, *others[: MOST_TRENDS - len(shown)]]


def _about(clear: Sequence[Trend], total: int, confidence: float) -> Text:
    seasonal = sum(each.seasonal for each in clear)
    season = (
        "There is no whole year before to take the season out: what rises may do so every year."
        if not seasonal
        else f"For {counted(seasonal, 'category', 'categories')} the season is taken out by the "
        "same weeks a year before."
    )
    thin = total - len(clear)
    few = f" {counted(thin, 'category', 'categories')} sell too little to tell." if thin else ""
    rule = (
        "Rising or falling: the whole interval is on one side. By chance alone that happens to "
        f"{share(1 - confidence)} of steady categories."
    )
    return Text(f"{rule} {season}{few}", quiet=True)


def _segments(rows: Sequence[SegmentRow], report: ShopReport, checks: Sequence[str]) -> Table:
    shop = report.shop
    headings = ["Segment", "Customers", "Share", "Revenue, 12 months", "Chance in 90 days"]
    body = [
        (
            row.title,
            count(row.group.customers),
            share(row.group.customers / max(shop.known, 1)),
            money(row.group.revenue, shop.currency),
            share(row.group.again),
            *([_judged(_checks(row)[each]) for each in checks] or [row.description]),
        )
        for row in rows
    ]
    last = list(checks) or ["Who they are"]
    return Table([*headings, *last], body, frozenset({1, 2, 3, 4}))


def _checks(row: SegmentRow) -> dict[str, Judged | None]:
    return {"Differs": row.differs, "Pays": row.pays, "Workable": row.feasible}


def _found(row: SegmentRow, check: str) -> bool:
    """Whether a check said anything about a segment."""
    judged = _checks(row)[check]
    return judged is not None and judged.outcome != "unknown"


def _judged(found: Judged | None) -> str:
    if found is None:
        return "not known"
    if found.outcome == "unknown":
        return f"not known: {found.why}" if found.why else "not known"
    if found.outcome == "passed":
        return "✓ yes"
    return f"✗ no: {found.why}" if found.why else "✗ no"


def _terms(report: ShopReport) -> list[tuple[str, str]]:
    stages = [
        (title(name), f"{meaning[0].upper()}{meaning[1:]}.") for name, meaning in MEANING.items()
    ]
    return [
        ("Customer", "Somebody with an id; those without an order are counted only as known."),
        ("Revenue", "What was paid for orders of the last 12 months and not refunded."),
        *(stages if report.stages else []),
        ("Churn risk", "The chance of no order in the next 90 days."),
        (
            "Margin to come",
            f"Expected orders times margin over {report.config.horizon_months} months, discounted "
            "to today.",
        ),
    ]
