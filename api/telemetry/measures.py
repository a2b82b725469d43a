"""The measures that workers count: their names, what they mean, their labels."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram

# Seconds: cached lists take a tenth of a millisecond, large batches of events seconds.
SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
GROUP_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
LISTS = "Lists answered, by where they came from and why they were plainer than could be."
DROPPED = "Log lines that nobody will see because the reader was too slow or gone."


@dataclass(frozen=True)
class Measures:
    """Counters and histograms of this process; all workers' are added up when they are asked for.

    Every label's values are few and ours: templates of routes, words of our own, never an id.
    """

    seconds: Histogram
    requests: Counter
    lists: Counter
    limited: Counter
    events: Counter
    groups: Histogram
    lines_dropped: Counter

    @classmethod
    def new(cls, registry: CollectorRegistry) -> Measures:
        """The measures at zero, or where the worker before left them."""

        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(f"regulars_{name}", meaning, labels, registry=registry)

        return cls(
            seconds=Histogram(
                "regulars_request_seconds",
                "Seconds from a request's arrival until its answer was made.",
                ("route", "outcome"),
                buckets=SECONDS,
                registry=registry,
            ),
            requests=counter("requests", "Requests answered.", "route", "method", "status", "lane"),
            lists=counter("lists", LISTS, "route", "served_by", "fallback_reason"),
            limited=counter("rate_limited", "Requests refused because there were too many."),
            events=counter("events", "Events by what became of them.", "type", "outcome"),
            groups=Histogram(
                "regulars_event_group_size",
                "Events written in one transaction.",
                buckets=GROUP_SIZES,
                registry=registry,
            ),
            lines_dropped=counter("log_lines_dropped", DROPPED),
        )


def observe_all(histogram: Histogram, seconds: Sequence[float]) -> None:
    """Count each of the times, as `observe` would; that costs a microsecond for every one."""
    histogram._sum.inc(sum(seconds))
    for place, number in Tally(bisect_left(SECONDS, each) for each in seconds).items():
        histogram._buckets[place].inc(number)
