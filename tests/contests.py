"""Small contests: customers with a past, what they then bought, and lists for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.domain.ids import IdTable
from tests.builders import DAY_ZERO_MS, a_history, histories
from training.evaluation.contenders import Contender, Ground, Role
from training.evaluation.judge import Judging, judge_contenders
from training.evaluation.metrics import Truth
from training.evaluation.results import Evaluation

ITEMS = ("apple", "bread", "cheese", "dates", "eggs", "figs", "grapes", "honey")
DAY_MS = 86_400_000


def positions(*items: int) -> np.ndarray:
    return np.array(items, dtype=np.int64)


def a_truth(repeat: Sequence[int] = (), explore: Sequence[int] = (), unseen: int = 0) -> Truth:
    return Truth(positions(*repeat), positions(*explore), unseen)


def a_ground(customers: int = 80, **fields: object) -> Ground:
    """Customers who had bought apples and bread; they buy apples again, half of them figs too."""
    past = {
        f"c{n:03d}": a_history((0, ["apple"]), (5, ["apple", "bread"])) for n in range(customers)
    }
    ground = Ground(
        histories=histories(ITEMS, past),
        truths=[a_truth([0], [5] if n % 2 else []) for n in range(customers)],
        item_ids=IdTable(ITEMS),
        popularity=np.asarray([8, 4, 2, 2, 1, 1, 0, 0], dtype=np.float32),
        category=np.asarray([0, 1, 1, 0, 1, 0, 0, -1], dtype=np.int32),
        start_ms=DAY_ZERO_MS + 10 * DAY_MS,
        until_ms=DAY_ZERO_MS + 38 * DAY_MS,
        groups={
            "activity": {
                "light": np.arange(customers) < customers // 2,
                "heavy": np.arange(customers) >= customers // 2,
            }
        },
        titles={"apple": "Apple, red", "figs": "Figs"},
    )
    return replace(ground, **fields)  # type: ignore[arg-type]


def the_same_list(ground: Ground, *items: int, **fields: object) -> Contender:
    """A contender that shows everybody the same items."""
    name = str(fields.pop("name", "same"))
    return Contender(name, [positions(*items)] * len(ground), **fields)  # type: ignore[arg-type]


def some_contenders(ground: Ground) -> list[Contender]:
    """One on trial that finds both, a live one that finds apples, a baseline that finds little."""
    return [
        the_same_list(
            ground, 0, 5, 1, name="v2", role=Role.MODEL, fit_seconds=150.0, lists_per_second=4000.0
        ),
        the_same_list(ground, 0, 1, 2, name="v1", role=Role.CHAMPION, memory_mb=12.0),
        the_same_list(ground, 1, 2, 5, name="popularity"),
    ]


def an_evaluation(
    ground: Ground | None = None,
    contenders: Sequence[Contender] | None = None,
    *,
    limit: int = 3,
    config: Judging | None = None,
) -> Evaluation:
    """The verdict on a contest, some_contenders on a_ground unless others are given."""
    ground = a_ground() if ground is None else ground
    return judge_contenders(
        ground,
        some_contenders(ground) if contenders is None else contenders,
        limit=limit,
        rng=np.random.default_rng(5),
        config=config or Judging(resamples=400),
    )
