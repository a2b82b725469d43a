"""The model of a made-up shop, fitted as training fits it, and the customers to ask it about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.catalog import Item
from engine.domain.histories import DAY_MS, Histories
from engine.domain.ids import IdTable
from engine.models.goals import Goal
from engine.models.model import Model
from tests.benchmarks import synthetic
from training.config import TrainConfig
from training.fit import Recipe, fit
from training.history import Purchases
from training.learning import Trial, learnt_from, regrow, with_rankers
from training.tune import START
from training.windows import sample, window

HORIZON_DAYS = 28
HALF_LIFE_DAYS = 60.0
START_MS = int(synthetic.START.astype("datetime64[ms]").astype(np.int64))
END_MS = START_MS + synthetic.DAYS * DAY_MS


@dataclass(frozen=True)
class Size:
    """How large the shop is, and on whom and in how many rounds its trees grow."""

    customers: int
    items: int
    purchases: int
    teaching: int
    rounds: int


@dataclass(frozen=True)
class Shop:
    """A model with trees for home and discover lists, and all customers as of its end."""

    model: Model
    customers: Histories


def fitted_shop(size: Size, *, seed: int = 5) -> Shop:
    """The eight scorers and the trees of a shop, as it was a month before its end."""
    bought = synthetic.shop(
        customers=size.customers, items=size.items, purchases=size.purchases, seed=seed
    )
    before = held(bought, until_ms=END_MS - HORIZON_DAYS * DAY_MS)
    config, recipe = TrainConfig(), Recipe(HALF_LIFE_DAYS, START)
    catalog = {
        name: Item(name, category=f"k{kind}")
        for name, kind in zip(before.items.ids, bought.category.tolist(), strict=True)
    }
    fitted = fit(before, catalog, config=config, horizon_days=HORIZON_DAYS)
    month = sample(window(before, held(bought, until_ms=END_MS)), size=size.teaching, seed=seed)
    rows = learnt_from(fitted, recipe, month, config=config)
    if rows is None:
        raise ValueError(f"nobody bought in the last {HORIZON_DAYS} days; make the shop larger")
    served = {goal: Trial(size.rounds, ranker=1.0, blend=0.0) for goal in (Goal.ANY, Goal.NEW)}
    grown = with_rankers(fitted, regrow([rows], served, config=config))
    return Shop(grown.model(recipe, version="bench"), before.customers)


def held(bought: synthetic.Purchases, *, until_ms: int) -> Purchases:
    """What customers had bought before a moment, by customer; every item is in the table."""
    at = START_MS + bought.second * 1_000
    early = np.flatnonzero(at < until_ms)
    # Lines stand oldest first, and do so within a customer too.
    order = early[np.argsort(bought.customer[early], kind="stable")]
    count = np.bincount(bought.customer[order])
    own = np.flatnonzero(count)
    price = bought.price[order].astype(np.int64)
    customers = Histories(
        customers=tuple(f"c{number}" for number in own),
        indptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(count[own], dtype=np.int64)]),
        item=bought.item[order],
        order=bought.order[order].astype(np.int64),
        at=at[order],
        units=bought.quantity[order].astype(np.float32),
        value=price * bought.quantity[order],
        discount=np.zeros(len(order), dtype=np.int64),
    )
    items = IdTable(f"i{number:07d}" for number in range(len(bought.category)))
    return Purchases(customers, customers.take([]), items, until_ms)
