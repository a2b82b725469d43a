"""A model version: its items, its scorers, how their scores become one, and the frozen cuts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from engine.domain.arrays import AnyArray
from engine.domain.assortment import Assortment
from engine.domain.ids import IdTable
from engine.errors import ModelUnavailable
from engine.loyalty.cuts import Cuts
from engine.loyalty.purchases import facts_of
from engine.loyalty.states import ItemFacts
from engine.models.account import Accountable
from engine.models.als import Als
from engine.models.frequency import PersonalFrequency
from engine.models.goals import Goal
from engine.models.item_item import Ease, ItemItem
from engine.models.item_statistics import ItemStatistics
from engine.models.neighbours import NeighbourCustomers
from engine.models.popularity import Popularity
from engine.models.ranker import Ranker
from engine.models.repurchase import RepurchaseTiming
from engine.models.scorer import Scorer
from engine.models.sessions import Sessions

SCORERS: Mapping[str, type[Scorer]] = {
    each.name: each
    for each in (
        Popularity,
        PersonalFrequency,
        RepurchaseTiming,
        NeighbourCustomers,
        Als,
        ItemItem,
        Ease,
        Sessions,
    )
}


@dataclass(frozen=True)
class Ranking:
    """What the trees need; a goal without a ranker of its own is served by its blend.

    `loyalty` says whether the trees look at loyalty features, which cost as much as the rest.
    """

    statistics: ItemStatistics
    horizon_days: float
    rankers: Mapping[Goal, Ranker] = field(default_factory=dict)
    loyalty: bool = False


@dataclass(frozen=True)
class Model:
    """Everything a recommender needs.

    `blends` says for each goal how much each scorer counts; a scorer without a weight counts
    nothing. `until_ms` is the end of the data it learned from, in ms since 1970 UTC. A model that
    knows nothing of buying again is `new_only`: its lists hold nothing the customer has bought.
    """

    version: str
    until_ms: int
    items: IdTable
    scorers: Mapping[str, Scorer]
    blends: Mapping[Goal, Mapping[str, float]]
    assortment: Assortment
    ranking: Ranking | None = None
    cuts: Cuts | None = None
    new_only: bool = False

    @cached_property
    def facts(self) -> ItemFacts:
        """What the loyalty features ask of the items."""
        return facts_of(self.items, self.assortment)

    @cached_property
    def accountable(self) -> Mapping[str, Accountable]:
        """The scorers that can tell what they would say had a purchase never been made."""
        # Looked up once: to ask every time costs more than many an answer.
        return {name: each for name, each in self.scorers.items() if isinstance(each, Accountable)}

    def weights(self, goal: Goal) -> Mapping[str, float]:
        """The blend for a goal; one without a blend of its own is served as any other."""
        return self.blends.get(goal, self.blends[Goal.ANY])

    def ranker(self, goal: Goal) -> Ranker | None:
        """The trees for a goal, None when its blend serves."""
        return self.ranking.rankers.get(goal) if self.ranking else None

    def arrays(self) -> dict[str, AnyArray]:
        """All arrays by file name, the item table's among them."""
        named: dict[str, AnyArray] = dict(_table("items", self.items))
        named |= _prefixed("assortment", self.assortment.arrays())
        for name, scorer in self.scorers.items():
            named |= _prefixed(name, scorer.arrays())
        if self.ranking:
            named |= _prefixed("statistics", self.ranking.statistics.arrays())
            for goal, ranker in self.ranking.rankers.items():
                named |= _prefixed(f"ranker_{goal}", ranker.arrays())
        return {name: _checked(name, array) for name, array in named.items()}

    def params(self) -> dict[str, Any]:
        """Everything beside the arrays, fit for JSON."""
        return {
            "until_ms": self.until_ms,
            "blends": {goal.value: dict(weights) for goal, weights in self.blends.items()},
            "scorers": {name: scorer.params() for name, scorer in self.scorers.items()},
            "ranking": _ranking_params(self.ranking) if self.ranking else None,
            "cuts": self.cuts.to_dict() if self.cuts else None,
            "new_only": self.new_only,
        }


def restore(version: str, arrays: Mapping[str, AnyArray], params: Mapping[str, Any]) -> Model:
    """The model that `Model.arrays` and `Model.params` came from.

    Raises ModelUnavailable when they do not fit together.
    """
    try:
        cuts = params.get("cuts")
        return Model(
            version=version,
            until_ms=params["until_ms"],
            items=IdTable.from_arrays(
                np.asarray(arrays["items.text"], dtype=np.uint8),
                np.asarray(arrays["items.offsets"], dtype=np.int64),
            ),
            scorers={
                name: SCORERS[name].restore(_own(arrays, name), own)
                for name, own in params["scorers"].items()
            },
            blends={Goal(goal): weights for goal, weights in params["blends"].items()},
            assortment=Assortment.restore(_own(arrays, "assortment")),
            ranking=_ranking(arrays, params["ranking"]) if params["ranking"] else None,
            cuts=Cuts.from_dict(cuts) if cuts else None,
            new_only=params.get("new_only", False),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnavailable(f"model {version} cannot be read: {error!r}; train again") from error


def _ranking_params(ranking: Ranking) -> dict[str, Any]:
    return {
        "horizon_days": ranking.horizon_days,
        "loyalty": ranking.loyalty,
        "half_lives": list(ranking.statistics.half_lives),
        "rankers": {goal.value: ranker.params() for goal, ranker in ranking.rankers.items()},
    }


def _ranking(arrays: Mapping[str, AnyArray], params: Mapping[str, Any]) -> Ranking:
    return Ranking(
        statistics=ItemStatistics.restore(_own(arrays, "statistics"), tuple(params["half_lives"])),
        horizon_days=params["horizon_days"],
        loyalty=params["loyalty"],
        rankers={
            Goal(goal): Ranker.restore(_own(arrays, f"ranker_{goal}"), own)
            for goal, own in params["rankers"].items()
        },
    )


def _table(name: str, table: IdTable) -> dict[str, AnyArray]:
    text, offsets = table.to_arrays()
    return {f"{name}.text": text, f"{name}.offsets": offsets}


def _prefixed(name: str, arrays: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    return {f"{name}.{key}": value for key, value in arrays.items()}


def _own(arrays: Mapping[str, AnyArray], name: str) -> dict[str, AnyArray]:
    prefix = f"{name}."
    return {key.removeprefix(prefix): arrays[key] for key in arrays if key.startswith(prefix)}


def _checked(name: str, array: AnyArray) -> AnyArray:
    # A float64 that slipped in doubles the memory of every worker and halves the speed.
    if array.dtype == np.float64:
        raise TypeError(f"array {name} is float64; scores and factors are float32")
    return array
