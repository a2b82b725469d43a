"""A model version: its items, its scorers, how they are blended, and the frozen cuts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.domain.arrays import AnyArray
from engine.domain.ids import IdTable
from engine.errors import ModelUnavailable
from engine.loyalty.cuts import Cuts
from engine.models.als import Als
from engine.models.frequency import PersonalFrequency
from engine.models.item_item import ItemItem
from engine.models.popularity import Popularity
from engine.models.scorer import Scorer

SCORERS: Mapping[str, type[Scorer]] = {
    each.name: each for each in (Popularity, PersonalFrequency, Als, ItemItem)
}


@dataclass(frozen=True)
class Model:
    """Everything a recommender needs; it holds no customer.

    `weights` says how much each scorer counts in the blend; a scorer without one counts nothing.
    `until_ms` is the end of the data it learned from, in ms since 1970 UTC.
    """

    version: str
    until_ms: int
    items: IdTable
    scorers: Mapping[str, Scorer]
    weights: Mapping[str, float]
    cuts: Cuts | None = None

    def arrays(self) -> dict[str, AnyArray]:
        """All arrays by file name, the item table's among them."""
        text, offsets = self.items.to_arrays()
        named: dict[str, AnyArray] = {"items.text": text, "items.offsets": offsets}
        for name, scorer in self.scorers.items():
            named.update({f"{name}.{key}": value for key, value in scorer.arrays().items()})
        return {name: _checked(name, array) for name, array in named.items()}

    def params(self) -> dict[str, Any]:
        """Everything beside the arrays, fit for JSON."""
        return {
            "until_ms": self.until_ms,
            "weights": dict(self.weights),
            "scorers": {name: scorer.params() for name, scorer in self.scorers.items()},
            "cuts": self.cuts.to_dict() if self.cuts else None,
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
            weights=params["weights"],
            cuts=Cuts.from_dict(cuts) if cuts else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnavailable(f"model {version} cannot be read: {error!r}; train again") from error


def _own(arrays: Mapping[str, AnyArray], name: str) -> dict[str, AnyArray]:
    prefix = f"{name}."
    return {key.removeprefix(prefix): arrays[key] for key in arrays if key.startswith(prefix)}


def _checked(name: str, array: AnyArray) -> AnyArray:
    # A float64 that slipped in doubles the memory of every worker and halves the speed.
    if array.dtype == np.float64:
        raise TypeError(f"array {name} is float64; scores and factors are float32")
    return array
