"""Rates: how many requests are let in during how long."""

from __future__ import annotations

import re
from dataclasses import dataclass

SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_FORM = re.compile(rf"([1-9][0-9]{{0,8}})/({'|'.join(SECONDS)})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `limit` in each window of so many seconds; windows begin at whole multiples."""

    limit: int
    seconds: int

    def __str__(self) -> str:
        unit = next(name for name, seconds in SECONDS.items() if seconds == self.seconds)
        return f"{self.limit}/{unit}"

    @classmethod
    def parse(cls, text: str) -> Rate:
        """The rate that "600/minute" says; ValueError names the form."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise ValueError(f"{text[:40]!r} is no rate; write it as 600/minute, or off")
        return cls(int(found[1]), SECONDS[found[2]])
