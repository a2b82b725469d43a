"""How much of what a customer spends comes to the shop, and on what only the shop has."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.domain.particulars import SHARE_OF_WALLET
from engine.loyalty.feature import Column, Feature, Kind
from engine.loyalty.features.context import Columns, Context, column, float_sums, sums
from engine.loyalty.features.evidence import answers, shown, tells
from engine.loyalty.features.preferences import Shelf

FEATURES: tuple[Feature, ...] = (
    Feature(
        "share_of_wallet",
        Kind.SHARE,
        "Share of what the customer spends on such things that is spent here: the mean answer of "
        "the last year; else estimated, as the spend of 12 months in the customer's categories "
        "beside what the best tenth of their buyers spends at least.",
        "surveys with the question share_of_wallet or wallet_rank; or purchases, categories and a "
        "training",
        "About {share_of_wallet:share} of the spending on such things is spent here.",
    ),
    Feature(
        "share_of_wallet_estimated",
        Kind.FLAG,
        "Whether the share of wallet is an estimate, not an answer.",
        "surveys with the question share_of_wallet or wallet_rank; or purchases, categories and a "
        "training",
        sentences={
            "yes": "The share of wallet of {share_of_wallet:share} is an estimate.",
            "no": "The share of wallet of {share_of_wallet:share} is what the customer said.",
        },
    ),
    Feature(
        "exclusive_share",
        Kind.SHARE,
        "Share of the spend of 12 months on items that no competitor sells.",
        "purchases, and items with one of the tags for exclusive ones",
        "{exclusive_share:share} of {revenue_12m:money} went to items that only this shop has.",
    ),
    Feature(
        "differential_value",
        Kind.NUMBER,
        "The share of spend on items that no competitor sells, less the mean share of all "
        "customers: above 0 the shop has more of an advantage here than with others.",
        "purchases, items with one of the tags for exclusive ones, and a training",
        "{exclusive_share:share} of the spend is on items that only this shop has, "
        "{differential_value:number} more than others.",
    ),
)
SCALED: tuple[str, ...] = ("exclusive_share",)
STANDARDISED: tuple[str, ...] = ("exclusive_share",)


def compute(context: Context) -> Columns:
    """Columns of the share of wallet and of items that only this shop has."""
    stated, said = answers(context, SHARE_OF_WALLET)
    estimate, lines = _estimate(context)
    told = said > 0
    share = np.where(told, np.minimum(stated, 1.0), estimate)
    evidence = np.where(told, said, lines)
    exclusive = _exclusive(context)
    mean, _ = context.cuts.moments.get("exclusive_share", (np.nan, 0.0))
    return {
        "share_of_wallet": column(share, evidence),
        "share_of_wallet_estimated": column((~told).astype(np.float64), evidence),
        "exclusive_share": exclusive,
        "differential_value": shown(exclusive.values - mean, exclusive.evidence),
    }


def fit_wallet(context: Context) -> dict[str, float]:
    """By category the configured quantile of 12 months' spend, over customers who spent in it.

    Minor units; interpolated linearly. A category that nobody spent in is left out.
    """
    shelf = context.once(Shelf.of)
    spend = _spend(context, shelf)
    spent, category = spend[spend > 0], shelf.category[spend > 0]
    order = np.argsort(category, kind="stable")
    bounds = np.searchsorted(
        category[order], np.arange(len(context.states.facts.categories) + 1)
    ).tolist()
    quantile = context.cuts.config.wallet_quantile
    return {
        name: float(np.quantile(spent[order[start:end]], quantile))
        for name, start, end in zip(
            context.states.facts.categories, bounds[:-1], bounds[1:], strict=True
        )
        if end > start
    }


def _year(context: Context) -> BoolArray:
    """Which lines are of the last 12 months, by UTC day, shape (lines,)."""
    recent: BoolArray = context.line_day > context.today - context.cuts.config.year
    return recent


def _spend(context: Context, shelf: Shelf) -> LongArray:
    """Spend of the last 12 months of each customer in each category of the shelf, (pairs,)."""
    value = np.where(_year(context), context.goods.value, 0)[shelf.line]
    order = np.argsort(shelf.pair, kind="stable")
    counts = np.bincount(shelf.pair, minlength=len(shelf.row))
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return sums(value[order], bounds)


def _estimate(context: Context) -> tuple[DoubleArray, LongArray]:
    """Spend beside the most that it could be, shape (n,), and the purchase lines behind it."""
    wallet = context.cuts.wallet
    if not wallet:
        return context.unknown
    shelf = context.once(Shelf.of)
    names = context.states.facts.categories
    most = np.asarray([wallet.get(name, np.nan) for name in names], np.float64)[shelf.category]
    spend = _spend(context, shelf)
    counted = (spend > 0) & ~np.isnan(most)
    row, spent = shelf.row[counted], spend[counted].astype(np.float64)
    here = float_sums(spent, row, customers=len(context))
    anywhere = float_sums(np.maximum(spent, most[counted]), row, customers=len(context))
    lines = np.bincount(
        shelf.row[counted],
        weights=shelf.lines(_year(context))[counted],
        minlength=len(context),
    ).astype(np.int64)
    return here / np.where(lines > 0, anywhere, 1.0), lines


def _exclusive(context: Context) -> Column:
    """The share of spend on exclusive items: unknown in a shop that marks none."""
    goods, facts = context.goods, context.states.facts
    if not (tells(context.cuts, "exclusive_share") or np.count_nonzero(facts.exclusive)):
        return column(*context.unknown)
    year = _year(context)
    exclusive = np.zeros(goods.lines, np.bool_)
    if len(facts.items):
        exclusive = (goods.item >= 0) & facts.exclusive[goods.item]
    spend = sums(np.where(year, goods.value, 0), goods.indptr)
    own = sums(np.where(year & exclusive, goods.value, 0), goods.indptr)
    told = (own > 0) | tells(context.cuts, "exclusive_share")
    lines = np.where(told & (spend > 0), sums(year, goods.indptr), 0)
    return column(own / np.maximum(spend, 1), lines)
