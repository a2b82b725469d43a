"""The final ranker: gradient-boosted trees over the features of a pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import lightgbm
import numpy as np

from engine.domain.arrays import AnyArray, FloatArray


class Ranker:
    """Trees that say how high an item belongs in a customer's list."""

    def __init__(self, text: str, *, names: Sequence[str]) -> None:
        """`text`: the trees as LightGBM writes them; `names`: the features they look at."""
        self.names = tuple(names)
        self._text = text
        self._trees = lightgbm.Booster(model_str=text)
        splits = self._trees.feature_importance("split")
        # What no tree looks at need not be worked out.
        self.used = frozenset(name for name, times in zip(names, splits, strict=True) if times)

    def rank(self, features: FloatArray) -> FloatArray:
        """A score for each row of features, shape (rows,), unitless: higher belongs higher.

        Of one scale for the items of a customer, not between customers.
        """
        if not len(features):
            return np.zeros(0, dtype=np.float32)
        # Blocks of customers go side by side; threads of its own would only get in their way.
        raw = self._trees.predict(features, raw_score=True, num_threads=1)
        return np.asarray(raw, dtype=np.float32)

    def arrays(self) -> dict[str, AnyArray]:
        """The trees as UTF-8 bytes."""
        return {"trees": np.frombuffer(self._text.encode(), dtype=np.uint8)}

    def params(self) -> dict[str, Any]:
        """The names of the features, in the order of the columns."""
        return {"names": list(self.names)}

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray], params: Mapping[str, Any]) -> Self:
        """The ranker that `arrays` and `params` came from."""
        return cls(np.asarray(arrays["trees"], dtype=np.uint8).tobytes().decode(), **params)
