"""The numbers to remember."""

from __future__ import annotations

from collections.abc import Iterator

from training.report.blocks import KeyFigure
from training.report.data import Returning, ShopReport
from training.report.sections.stages import LOYALTY
from training.report.words import change, count, counted, money, share

QUARTER = 90


def key_figures(report: ShopReport) -> list[KeyFigure]:
    """The headline numbers of which something is known, most important first."""
    if not report.shop.buyers:
        return []
    return [*_shop(report), *_regulars(report), *_slipping(report), *_spread(report)]


def _shop(report: ShopReport) -> Iterator[KeyFigure]:
    shop = report.shop
    yield KeyFigure(
        count(shop.active),
        "customers in 12 months",
        f"They placed {counted(shop.orders_12m, 'order')}. {count(shop.buyers)} have ever ordered.",
    )
    before = shop.revenue_year_before
    grown = (
        "There is no full year before to compare with."
        if not before
        else f"{change(shop.revenue_12m / before - 1)} against the 12 months before."
    )
    yield KeyFigure(money(shop.revenue_12m, shop.currency), "from them, net of refunds", grown)


def _regulars(report: ShopReport) -> Iterator[KeyFigure]:
    total = sum(each.revenue for each in report.stages)
    for group in report.stages:
        if group.name == LOYALTY and total:
            yield KeyFigure(
                count(group.customers),
                "regulars",
                f"They order by habit and bring {share(group.revenue / total)} of the revenue.",
            )


def _slipping(report: ShopReport) -> Iterator[KeyFigure]:
    if report.slipping is not None:
        slipping = report.slipping
        at_risk, revenue = (
            money(each, report.shop.currency) for each in (slipping.at_risk, slipping.revenue)
        )
        yield KeyFigure(
            count(slipping.customers),
            "late and worth keeping",
            f"{at_risk} of the {revenue} they spent in a year is at risk.",
        )


def _spread(report: ShopReport) -> Iterator[KeyFigure]:
    if report.concentration is not None:
        yield KeyFigure(
            share(report.concentration.top_share),
            "of revenue from the best fifth",
            "The fifth of the customers who spent most in 12 months.",
        )
    if report.returning is not None and enough_wait(report.returning, QUARTER):
        yield KeyFigure(
            share(report.returning.second.by(QUARTER)),
            "order again within 90 days",
            "Of customers who place their first order.",
        )


def enough_wait(returning: Returning, days: float) -> bool:
    """Whether second orders were watched for so long that their share by then can be told."""
    return len(returning.second.days) > 0 and float(returning.second.days[-1]) >= days
