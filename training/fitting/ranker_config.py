"""How the final ranker is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec


class RankerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """LambdaMART, and the windows it learns from.

    `windows` of the past, before the one that tells how many rounds do; `rows` is the most rows a
    window gives: above it customers are drawn. In a shop of more than `large_shop` customers it is
    `large_rows`: what more of them would teach is little beside what growing trees on it costs
    there. `patience` is how many rounds may bring nothing.
    `loyalty` adds loyalty features, which cost time and won nothing where it was measured.
    """

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "windows": (0, 50),
        "rows": (1_000, 10**9),
        "large_shop": (1, 10**9),
        "large_rows": (1_000, 10**9),
        "rounds": (1, 10_000),
        "patience": (1, 1_000),
        "learning_rate": (0.001, 1),
        "leaves": (2, 1_000),
        "minimum_rows": (1, 10**6),
        "feature_share": (0.01, 1),
        "row_share": (0.01, 1),
        "regularization": (0, 10**6),
    }

    loyalty: bool = False
    windows: int = 3
    rows: int = 2_500_000
    large_shop: int = 50_000
    large_rows: int = 1_000_000
    rounds: int = 500
    patience: int = 50
    learning_rate: float = 0.06
    leaves: int = 15
    minimum_rows: int = 300
    feature_share: float = 0.4
    row_share: float = 0.8
    regularization: float = 5.0

    def rows_of(self, customers: int) -> int:
        """The most rows that a window of a shop with so many customers gives."""
        return self.rows if customers <= self.large_shop else min(self.rows, self.large_rows)
