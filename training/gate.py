"""May a model go live? Not when it is worse than counting, nor worse than what is live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from training.config import GateConfig
from training.evaluate import BASELINE, CHAMPION, FINAL, POPULAR
from training.evaluation.metrics import Metrics


@dataclass(frozen=True)
class Verdict:
    """Whether the model passed, and each comparison in words."""

    passed: bool
    reasons: tuple[str, ...]


def judge(table: Mapping[str, Metrics], *, config: GateConfig) -> Verdict:
    """The verdict on the model's nDCG in the test window against baselines and champion."""
    margins = {
        BASELINE: config.baseline_margin,
        POPULAR: config.baseline_margin,
        CHAMPION: config.champion_margin,
    }
    own = table[FINAL].overall
    if own.customers < config.minimum_customers:
        return Verdict(
            False,
            (
                f"{own.customers} customers with a past bought anything in the test window, "
                f"fewer than {config.minimum_customers}: nothing is proven",
            ),
        )
    outcomes = [
        _against(name, own.ndcg, table[name].overall.ndcg, margin=margin)
        for name, margin in margins.items()
        if name in table
    ]
    return Verdict(
        passed=all(passed for passed, _ in outcomes),
        reasons=tuple(reason for _, reason in outcomes),
    )


def _against(name: str, own: float, other: float, *, margin: float) -> tuple[bool, str]:
    needed = other * (1 - margin)
    passed = own >= needed
    words = "reaches" if passed else "is below"
    return passed, (
        f"nDCG {own:.4f} {words} {needed:.4f} ({name} {other:.4f}, margin {margin:.0%})"
    )
