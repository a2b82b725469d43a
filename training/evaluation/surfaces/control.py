"""What each lever of the control costs in accuracy, and what it gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, FloatArray
from engine.models.model import Model
from engine.recommend.control.config import Control
from engine.recommend.control.goods import Goods, margins
from training.evaluation.alike import Likeness, likeness
from training.evaluation.beyond import (
    CALIBRATION,
    COVERAGE,
    DIVERSITY,
    Tastes,
    properties_of,
    tastes_of,
)
from training.evaluation.bootstrap import resampled_means
from training.evaluation.judge import PLAIN as JUDGING
from training.evaluation.metrics import ALL, NOTHING, Sought, mean, ndcg
from training.evaluation.results import Difference
from training.evaluation.surfaces.field import Field
from training.evaluation.surfaces.judged import known, paired
from training.evaluation.surfaces.levers import (
    CATEGORY_LEVERS,
    COLD,
    COLD_HITS,
    EARNED,
    FROM_CATALOGUE,
    LEVERS,
    MADE_UP,
    MARGIN,
    MARGIN_LEVERS,
    NDCG,
    NO_MARGINS,
    PLAIN,
    RECENT,
    TAIL,
    Lever,
    knows_margins,
    with_made_up_margins,
)
from training.evaluation.surfaces.results import Price, Setting
from training.evaluation.surfaces.steered import Steered, steered
from training.windows import Window


@dataclass(frozen=True)
class _Basis:
    """What the lists of all settings are told by. `margin` and what follows are by item."""

    sought: Sought
    window: Window
    orders: FloatArray
    model: Model
    alike: Likeness
    tastes: Tastes
    margin: FloatArray | None
    tail: BoolArray
    recent: BoolArray
    cold: BoolArray

    def gains(self, lists: Steered) -> DoubleArray:
        """nDCG of each customer's list, shape (customers,)."""
        return ndcg(self.sought.found_in(lists.shown))

    def traits(self, lists: Steered) -> dict[str, float | None]:
        """The traits of a setting's lists, by name."""
        shown = lists.shown
        hits = self.sought.found_in(shown).hits
        filled = shown != NOTHING
        category = self.model.assortment.category
        told = properties_of(
            shown, popularity=self.orders, category=category, alike=self.alike, tastes=self.tastes
        )
        found = {name: told[name] for name in (DIVERSITY, CALIBRATION, COVERAGE)}
        found[NDCG] = mean(self.gains(lists))
        cold = filled & self.cold[shown]
        found[TAIL] = _share(filled & self.tail[shown], filled)
        found[RECENT] = _share(filled & self.recent[shown], filled)
        found[COLD] = _share(cold, filled)
        found[COLD_HITS] = _share(hits & cold, cold)
        if self.margin is not None:
            earned = np.where(filled, self.margin[shown], 0)
            found[MARGIN] = float(earned.sum(axis=1).mean())
            found[EARNED] = float(np.where(hits, earned, 0).sum(axis=1).mean())
        return {name: known(value) for name, value in found.items()}


def price_of_control(field: Field, *, made_up: bool = False) -> Price | None:
    """Every lever by itself on the same customers; None when nobody bought.

    `made_up`: where the catalogue knows no margins they are invented, and labelled so.
    """
    rows = field.drawn(field.rng("control"), len(field.target.truths))
    if not len(rows):
        return None
    window = replace(
        field.target,
        histories=field.target.histories.take(rows),
        truths=[field.target.truths[row] for row in rows.tolist()],
    )
    model, margins_told = _priced(field.model, made_up=made_up)
    levers = (
        PLAIN,
        *(MARGIN_LEVERS if margins_told else ()),
        *(CATEGORY_LEVERS if field.has_categories else ()),
        *LEVERS,
    )
    tried = steered(field, model, window, levers)
    basis = _basis(field, model, window, tried, priced=bool(margins_told))
    plain = basis.gains(tried[PLAIN])
    return Price(
        limit=field.extent.limit,
        customers=len(window.truths),
        settings=[
            Setting(
                lever=each.name,
                strength=each.strength,
                aim=each.aim,
                values=basis.traits(lists),
                cost=None if each is PLAIN else _cost(field, basis.gains(lists), plain),
            )
            for each, lists in tried.items()
        ],
        margins=margins_told,
        notes=[margins_told or NO_MARGINS, _new_ones(field, window), *_explored(tried)],
    )


def _priced(model: Model, *, made_up: bool) -> tuple[Model, str]:
    """The model with margins to steer by, and where they come from; "" for nowhere."""
    if knows_margins(model.assortment):
        return model, FROM_CATALOGUE
    if not made_up:
        return model, ""
    invented = with_made_up_margins(model.assortment, model.items)
    return replace(model, assortment=invented), MADE_UP


def _basis(
    field: Field, model: Model, window: Window, tried: Mapping[Lever, Steered], *, priced: bool
) -> _Basis:
    held = np.unique(np.concatenate([each.shown.ravel() for each in tried.values()]))
    category = model.assortment.category
    orders = np.rint(field.orders).astype(np.int64)
    goods = Goods.of(model.assortment, orders, control=Control())
    return _Basis(
        sought=Sought.of(window.truths, part=ALL, items=field.items),
        window=window,
        orders=field.orders,
        model=model,
        alike=likeness(window.histories, category, shown=held[held != NOTHING]),
        tastes=tastes_of(window.histories, category),
        margin=margins(model.assortment) if priced else None,
        tail=~goods.head,
        recent=field.recent(),
        cold=goods.cold,
    )


def _cost(field: Field, gains: DoubleArray, plain: DoubleArray) -> Difference:
    """The change in nDCG from the lists as they are scored."""
    values = np.stack([gains, plain], axis=1)
    drawn = resampled_means(values, resamples=JUDGING.resamples, rng=field.rng("cost of control"))
    return paired(PLAIN.name, NDCG, values, drawn)


def _new_ones(field: Field, window: Window) -> str:
    """What part of the purchases new items had, those that no list could hold among them."""
    bought = np.concatenate([np.concatenate([each.repeat, each.explore]) for each in window.truths])
    unseen = sum(each.unseen for each in window.truths)
    every = max(len(bought) + unseen, 1)
    share = field.recent()[bought].sum() / every
    return (
        f"Items first sold in the four weeks before made {share:.1%} "
        f"of what these customers bought; {unseen / every:.1%} had never been sold before, and no "
        "list could hold it."
    )


def _explored(tried: Mapping[Lever, Steered]) -> Iterator[str]:
    """Whether chance had the share of places that it was given."""
    for lever, lists in tried.items():
        share = lever.control.exploration_share
        if share and lists.places:
            seen = lists.explored / lists.places
            off = 1.96 * (share * (1 - share) / lists.places) ** 0.5
            yield (
                f"Exploration at {share:.0%}: {seen:.1%} of {lists.places:,} places with a cold "
                f"item to show went to one; by chance {share - off:.1%} to {share + off:.1%} may."
            )


def _share(some: BoolArray, places: BoolArray) -> float:
    count = int(places.sum())
    return float(some.sum() / count) if count else float("nan")
