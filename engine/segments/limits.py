"""How large a segment may be, and what a useful one must reach: every number in one place."""

from __future__ import annotations

import msgspec

# Of one condition as it is written.
MAX_DEPTH = 20
MAX_NODES = 500
MAX_IN = 1_000
MAX_TEXT = 1_000
MAX_ATTRIBUTE_NAME = 100
MAX_DAYS = 36_500
MAX_COUNT = 1_000_000
# How many mistakes are told at once.
MAX_PROBLEMS = 50

# Of a condition with the segments it refers to written out. SQLite reads an expression of at most
# 1,000 levels, and every node may add one; its parser keeps at most 100 open brackets and words.
MAX_WHOLE_NODES = 900
MAX_WHOLE_DEPTH = 40
MAX_WHOLE_VALUES = 5_000
# Each reads a part of the log.
MAX_WHOLE_EVENTS = 50

MAX_TITLE = 100
MAX_DESCRIPTION = 1_000


class QualityThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a segment must reach to be worth a treatment of its own; shares lie in 0 to 1.

    `least_group` is how many customers each side of a comparison needs before it says anything,
    `least_expected` the smallest expected count of a chi-square test (Cochran 1954).
    """

    cramers_v: float = 0.1
    eta_squared: float = 0.06
    response_p: float = 0.01
    least_group: int = 30
    least_expected: float = 5.0
    least_margin: float = 0.0
    least_size: int = 100
    least_share: float = 0.01
    least_reachable: float = 0.20
    least_stability: float = 0.60
    least_items: int = 6
