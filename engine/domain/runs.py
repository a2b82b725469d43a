"""Runs of equal values: where one ends and the next begins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.domain.arrays import BoolArray


def changes(*keys: NDArray[Any]) -> BoolArray:
    """Where any of the keys, all of one length, is another than before, the first place included.

    Several times faster than a difference to compare with zero.
    """
    changed: BoolArray = np.empty(len(keys[0]), dtype=np.bool_)
    if len(changed):
        changed[0] = True
        np.not_equal(keys[0][1:], keys[0][:-1], out=changed[1:])
        for key in keys[1:]:
            changed[1:] |= key[1:] != key[:-1]
    return changed
