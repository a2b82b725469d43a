"""How strong the relationship is: alive, with many orders, from several categories."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import DoubleArray, LongArray
from engine.loyalty.features.context import Context
from engine.loyalty.features.preferences import categories_of_lines
from engine.loyalty.trajectory import Course
from engine.loyalty.value.repeats import Repeats

# A day that never comes.
_FAR = np.int64(2**31)


def strength_on(context: Context, course: Course, *days: int) -> list[DoubleArray]:
    """P(alive) * (1 - exp(-orders / s)) * (1 - b + b * breadth) on each of the days, each (n,).

    Breadth is the share of a few categories bought from, of which goods without a category count
    as one. 0 before the first order of a customer who has one now, NaN for one who has none, and
    where no model says how alive anybody is.
    """
    config = context.cuts.config
    (buyers,) = (context.n > 0).nonzero()
    who, day = np.concatenate([buyers] * len(days)), np.array(days)
    look = course.look(who, day.repeat(buyers.shape[0]))
    history = (np.maximum(look.n - 1, 0), look.span, np.maximum(look.age, 0))
    data = Repeats(*(each.astype(np.float64) for each in history))
    alive = course.models.p_alive(data, course.types[who])
    newcomings = _new_categories(context)[:, None, buyers] <= day[:, None]
    categories = np.maximum(np.add.reduce(newcomings, axis=0, dtype=np.int64).ravel(), 1)
    breadth = np.minimum(categories / config.breadth_categories, 1.0)
    wide = 1 - config.strength_breadth + config.strength_breadth * breadth
    strength = alive * -np.expm1(-look.n / config.strength_orders) * wide
    found = np.full((len(days), len(context)), np.nan)
    found[:, buyers] = strength.reshape(len(days), buyers.shape[0])
    return list(found)


def _new_categories(context: Context) -> LongArray:
    """Days on which each customer bought from a first, second, ... category, shape (k, n)."""
    category = context.once(categories_of_lines)
    row, day = context.line_row, context.line_day
    wanted = int(np.ceil(context.cuts.config.breadth_categories))
    found = np.full((wanted, len(context)), _FAR)
    current = np.empty(len(context), category.dtype)
    (left,) = (category >= 0).nonzero()
    for newcoming in found:
        if not left.shape[0]:
            break
        owner = row[left]
        fresh = np.ones(left.shape, np.bool_)
        fresh[1:] = owner[1:] != owner[:-1]
        first = left[fresh]
        newcoming[row[first]], current[row[first]] = day[first], category[first]
        left = left[category[left] != current[owner]]
    return found
