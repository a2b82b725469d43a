"""Shortlists, goods and tastes for tests of control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from hypothesis import strategies as st
from scipy import sparse

from engine.domain.assortment import Assortment
from engine.domain.ids import IdTable
from engine.recommend.control.arrange import arrange
from engine.recommend.control.config import Boost, Bury, Control, Pin
from engine.recommend.control.goods import Goods
from engine.recommend.control.levers import Levers
from engine.recommend.control.shortlist import Arranged, Rule, Shortlist
from engine.recommend.control.tastes import Tastes
from tests.builders import DAY_ZERO_MS

NAN = float("nan")


def a_shortlist(*rows: Mapping[int, float]) -> Shortlist:
    """Candidates as {item: score}, one mapping a customer, in the order given."""
    width = max(map(len, rows), default=0)
    item = np.full((len(rows), width), -1, dtype=np.int32)
    score = np.full((len(rows), width), -np.inf, dtype=np.float32)
    for row, own in enumerate(rows):
        item[row, : len(own)] = list(own)
        score[row, : len(own)] = list(own.values())
    return Shortlist(item, score)


def some_goods(
    category: Sequence[int],
    *,
    brand: Sequence[int] | None = None,
    band: Sequence[float] | None = None,
    margin: Sequence[float] | None = None,
    head: Sequence[int] = (),
    cold: Sequence[int] = (),
    similar: Mapping[tuple[int, int], float] | None = None,
) -> Goods:
    """Items of these categories; `head` and `cold` name items, `similar` pairs both ways."""
    count = len(category)
    matrix = None
    if similar is not None:
        both = {**similar, **{(b, a): value for (a, b), value in similar.items()}}
        pairs = np.asarray(list(both), dtype=np.int64).reshape(-1, 2)
        data = np.asarray(list(both.values()), dtype=np.float32)
        matrix = sparse.csr_matrix((data, pairs.T), shape=(count, count))
    return Goods(
        category=np.asarray(category, dtype=np.int32),
        brand=np.asarray([-1] * count if brand is None else brand, dtype=np.int32),
        categories=max(category, default=-1) + 1,
        band=np.asarray([NAN] * count if band is None else band, dtype=np.float32),
        margin=np.asarray([0] * count if margin is None else margin, dtype=np.float32),
        head=np.isin(np.arange(count), head),
        cold=np.isin(np.arange(count), cold),
        similar=matrix,
    )


def levers_of(control: Control, goods: Goods) -> Levers:
    """Levers over items "0", "1" ... with categories "c0" ... and brands "b0" ..."""
    count = len(goods)
    money = np.full(count, -1, dtype=np.int64)
    assortment = Assortment(
        goods.category,
        goods.brand,
        np.full(count, -1, dtype=np.int32),
        money,
        money,
        IdTable(f"c{each}" for each in range(goods.categories)),
        IdTable(f"b{each}" for each in range(int(goods.brand.max(initial=-1)) + 1)),
    )
    return Levers(control, IdTable(map(str, range(count))), assortment)


def arranged(
    shortlist: Shortlist,
    goods: Goods,
    control: Control,
    *,
    limit: int = 10,
    tastes: Tastes | None = None,
) -> Arranged:
    """Lists under a control; of customers "0", "1" ... of unknown tastes unless given."""
    names = tuple(map(str, range(len(shortlist.item))))
    return arrange(
        shortlist,
        tastes or Tastes(names, DAY_ZERO_MS),
        limit=limit,
        control=control,
        goods=goods,
        levers=levers_of(control, goods),
    )


def items_of(lists: Arranged, row: int = 0) -> list[int]:
    """The items of a list, without padding."""
    return [int(item) for item in lists.item[row] if item >= 0]


def rules_of(lists: Arranged, row: int = 0) -> list[Rule]:
    """The rule of every item of a list."""
    own = lists.item[row] >= 0
    return [Rule(int(rule)) for rule in lists.rule[row][own]]


def replaced(control: Control, **changed: object) -> Control:
    """A control with some of it otherwise."""
    return msgspec.structs.replace(control, **changed)


ITEMS = 16
shares = st.sampled_from([0.0, 0.0, 0.1, 0.3, 0.5, 0.9, 1.0])
cap = st.sampled_from([None, None, 1, 2, 3])
item = st.integers(0, ITEMS - 1)
boost = st.builds(
    Boost,
    item_id=item.map(str),
    factor=st.sampled_from([0.0, 0.5, 1.0, 3.0]),
    add=st.sampled_from([-1.0, 0.0, 0.4]),
)
bury = st.builds(Bury, category=st.integers(0, 3).map(lambda each: f"c{each}"))
pin = st.builds(Pin, item_id=item.map(str), place=st.integers(1, 8))
wishes = {
    "diversity": shares,
    "diversity_by": st.sampled_from(["category", "co_purchase", "both"]),
    "calibration": shares,
    "price_affinity": shares,
    "category_cap": cap,
    "brand_cap": cap,
    "margin_tolerance": shares,
    "long_tail_share": shares,
    "exploration_share": shares,
    "boosts": st.lists(boost, max_size=3).map(tuple),
    "buries": st.lists(bury, max_size=2).map(tuple),
    "pins": st.lists(pin, max_size=3).map(tuple),
}
controls = st.builds(Control, **wishes)
scores = st.sampled_from([-3.0, 0.0, 0.5, 1.0, 1.5, 2.0, 7.25])
rows = st.dictionaries(item, scores, max_size=ITEMS).map(
    lambda own: dict(sorted(own.items(), key=lambda each: (-each[1], each[0])))
)
shortlists = st.lists(rows, min_size=1, max_size=4).map(lambda own: a_shortlist(*own))
limits = st.integers(1, 12)


def a_shop(customers: int = 200, width: int = 40) -> tuple[Shortlist, Goods, Tastes]:
    """Many customers with candidates from 300 items of 12 categories."""
    rng = np.random.default_rng(11)
    chosen = rng.permuted(np.tile(np.arange(300), (customers, 1)), axis=1)[:, :width]
    told = -np.sort(-rng.random((customers, width)), axis=1)
    pairs = {(int(a), int(b)): 0.5 for a, b in rng.integers(0, 300, (3_000, 2)) if a < b}
    goods = some_goods(
        rng.integers(0, 12, 300).tolist(),
        band=rng.random(300).tolist(),
        margin=rng.integers(1, 100, 300).tolist(),
        head=list(range(100)),
        cold=list(range(250, 300)),
        similar=pairs,
    )
    return (
        Shortlist(chosen.astype(np.int32), told.astype(np.float32)),
        goods,
        Tastes(
            tuple(map(str, range(customers))),
            DAY_ZERO_MS,
            rng.dirichlet(np.full(12, 0.3), customers).astype(np.float32),
            rng.random(customers).astype(np.float32),
        ),
    )


def some_assortment(seed: int) -> Goods:
    """Goods of which everything is a matter of chance, and some of it unknown."""
    rng = np.random.default_rng(seed)
    head = np.flatnonzero(rng.random(ITEMS) < rng.random())
    pairs = {(int(a), int(b)): 0.5 for a, b in rng.integers(0, ITEMS, (12, 2)) if a < b}
    pairs |= {pair: float(value) for pair, value in zip(pairs, rng.random(5), strict=False)}
    return some_goods(
        [0, 1, 2, 3, *rng.integers(-1, 4, ITEMS - 4).tolist()],
        brand=rng.integers(-1, 3, ITEMS).tolist(),
        band=rng.choice([NAN, 0.0, 0.25, 1.0], ITEMS).tolist(),
        margin=rng.choice([-10.0, 0.0, 5.0, 80.0], ITEMS).tolist(),
        head=head.tolist(),
        cold=np.setdiff1d(np.flatnonzero(rng.random(ITEMS) < 0.4), head).tolist(),
        similar=pairs if rng.random() < 0.7 else None,
    )


# From a seed: drawn one by one, hundreds of values would take hypothesis most of the time.
assortments = st.integers(0, 2**32 - 1).map(some_assortment)


def tastes_of(shortlist: Shortlist, *, categories: int = 4, seed: int = 0) -> Tastes:
    """Tastes that differ from customer to customer; the last one's are unknown."""
    count, rng = len(shortlist.item), np.random.default_rng(seed)
    mix = rng.dirichlet(np.ones(categories), count).astype(np.float32)
    band = rng.random(count).astype(np.float32)
    if count > 1:
        mix[-1], band[-1] = 0, np.nan
    return Tastes(tuple(f"customer {row}" for row in range(count)), DAY_ZERO_MS, mix, band)
