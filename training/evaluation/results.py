"""What a comparison found: plain numbers, fit for JSON; None is not known."""

from __future__ import annotations

import msgspec

from training.evaluation.contenders import Role
from training.evaluation.metrics import ALL

BETTER, WORSE, UNCLEAR, SAME = "better", "worse", "unclear", "same"


class Interval(msgspec.Struct, frozen=True):
    """A number and the bounds it lies between."""

    value: float | None
    low: float | None
    high: float | None


class Cost(msgspec.Struct, frozen=True):
    """What a contender costs: seconds to fit, lists a second, MB held in memory."""

    fit_seconds: float | None
    lists_per_second: float | None
    memory_mb: float | None


class Result(msgspec.Struct, frozen=True):
    """One contender: means over customers.

    `quality` is by part (all, repeat, explore) and metric; `beyond` is by the names of
    `training.evaluation.beyond.BEYOND`; `leading` has the interval of the metric that decides;
    `recall_by_rank` is the recall of the first 1, 2, ... places; `groups` is by kind, group and
    metric, over everything bought.
    """

    name: str
    role: Role
    quality: dict[str, dict[str, float | None]]
    beyond: dict[str, float | None]
    leading: Interval
    recall_by_rank: list[float | None]
    groups: dict[str, dict[str, dict[str, float | None]]]
    cost: Cost


class Difference(msgspec.Struct, frozen=True):
    """By how much the first contender is above another, over the same customers.

    `base` is the other's mean. The interval is of `confidence` for `family` differences at once
    (Bonferroni): 1 where it stands alone. `kind` and `group` are "" for all customers.
    """

    against: str
    metric: str
    part: str
    value: float | None
    low: float | None
    high: float | None
    base: float | None
    customers: int
    kind: str = ""
    group: str = ""
    family: int = 1

    @property
    def outcome(self) -> str:
        """BETTER or WORSE when the interval says so, SAME when no customer makes a difference."""
        if self.value is None or self.low is None or self.high is None:
            return UNCLEAR
        if self.low == self.high == self.value == 0:
            return SAME
        if self.low > 0:
            return BETTER
        return WORSE if self.high < 0 else UNCLEAR

    @property
    def relative(self) -> float | None:
        """The difference as a share of the other's mean; None without one."""
        return None if self.value is None or not self.base else self.value / self.base


class Facts(msgspec.Struct, frozen=True):
    """The ground in numbers: what was known, what was then bought, from when to when in ms.

    `until_ms` is None when nobody says when it was bought. `bought` is the mean number of items a
    customer bought; `repeat_share` and `unseen_share` are the shares of those that the customer
    had bought before, and that were not in the catalogue.
    Not `timed`: the split was a random one, and times mean nothing.
    """

    customers: int
    newcomers: int
    items: int
    start_ms: int
    until_ms: int | None
    first_ms: int | None
    past_lines: int
    bought: float | None
    repeat_share: float | None
    unseen_share: float | None
    notes: list[str]
    timed: bool = True


class Evaluation(msgspec.Struct, frozen=True):
    """Contenders judged on one ground. The first one is on trial, the others are its measure.

    `customers` counts who qualifies for each part, `groups` by kind and group who is in it.
    `differences` are the first contender's against every other.
    """

    limit: int
    metric: str
    confidence: float
    resamples: int
    fewest: int
    facts: Facts
    customers: dict[str, int]
    groups: dict[str, dict[str, int]]
    results: list[Result]
    differences: list[Difference]

    @property
    def first(self) -> Result:
        """The contender on trial."""
        return self.results[0]

    @property
    def strongest(self) -> Result | None:
        """The best of the others by the metric that decides; None without others."""
        return max(self.results[1:], key=self.score, default=None)

    @property
    def champion(self) -> Result | None:
        """The live model, where it is another than the one on trial."""
        live = (each for each in self.results[1:] if each.role is Role.CHAMPION)
        return next(live, None)

    @property
    def yardstick(self) -> Result | None:
        """Whom to look at first beside the one on trial: the live model, or else the strongest."""
        return self.champion or self.strongest

    def score(self, result: Result) -> float:
        """The metric that decides, over everything bought; nothing known counts as nothing."""
        return result.quality[ALL][self.metric] or 0.0

    def difference(self, against: str, *, metric: str = "", part: str = ALL) -> Difference | None:
        """The difference over all customers; in the metric that decides when none is named."""
        for each in self.differences:
            key = (each.against, each.metric, each.part, each.kind)
            if key == (against, metric or self.metric, part, ""):
                return each
        return None

    def by_group(self, against: str) -> list[Difference]:
        """The differences within groups, in the metric that decides."""
        return [each for each in self.differences if each.against == against and each.kind]
