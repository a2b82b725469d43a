"""Time to spend: how much there is, and how much is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import click

_UNITS = {"s": 1, "m": 60, "h": 3_600}
_MINUTE = 60
# A month of tuning is a slip of the finger.
MOST_SECONDS = 31 * 24 * 3_600


@dataclass(frozen=True)
class Budget:
    """Seconds to spend from the moment it is made."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    began: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "began", self.clock())

    def left(self) -> float:
        """Seconds that are left, below 0 when it is overdrawn."""
        return self.seconds - (self.clock() - self.began)


def seconds_of(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> float | None:
    """A time span given by a user, 90s, 10m or 2h, as a callback of click.

    Raises BadParameter for what is none.
    """
    if text is None:
        return None
    number, unit = text.strip()[:-1], text.strip()[-1:]
    if unit not in _UNITS or not number.replace(".", "", 1).isdecimal():
        raise click.BadParameter(f"{text!r} is no time span; write 90s, 10m or 2h")
    seconds = float(number) * _UNITS[unit]
    if not 0 < seconds <= MOST_SECONDS:
        raise click.BadParameter(f"{text!r} is not more than nothing and at most a month")
    return seconds


def spoken(seconds: float) -> str:
    """A time span as people write it: 7m 05s, or 45s."""
    whole = max(0, round(seconds))
    return f"{whole // _MINUTE}m {whole % _MINUTE:02d}s" if whole >= _MINUTE else f"{whole}s"
