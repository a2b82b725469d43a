"""What a comparison found, in words."""

from __future__ import annotations

from collections.abc import Sequence

from training.evaluation.contenders import Role
from training.evaluation.metrics import ALL, EXPLORE, METRICS, REPEAT
from training.evaluation.results import BETTER, SAME, WORSE, Difference, Evaluation, Result
from training.report.words import UNKNOWN, count, counted, share

# What a part is called after a metric.
PART_NAMES = {ALL: "", REPEAT: " of repeats", EXPLORE: " of new items"}
_FEWEST_DIGITS, _MOST_DIGITS = 3, 5


def figure(value: float | None, digits: int = _FEWEST_DIGITS) -> str:
    """A number of 0 to 1 as tables have it: .387, or 1.000."""
    if value is None:
        return UNKNOWN
    shown = f"{abs(value):.{digits}f}".removeprefix("0")
    return f"−{shown}" if value < 0 and shown.strip(".0") else shown


def gap(value: float | None, digits: int = _FEWEST_DIGITS) -> str:
    """A difference with its sign: +.012."""
    if value is None:
        return UNKNOWN
    return f"+{figure(value, digits)}" if value > 0 else figure(value, digits)


def title_of(evaluation: Evaluation, metric: str = "") -> str:
    """A metric's name with its cut: nDCG@10; the one that decides when none is named."""
    return f"{METRICS[metric or evaluation.metric].title}@{evaluation.limit}"


def percent(value: float | None) -> str:
    """A share in percent, or a dash when it is not known."""
    return UNKNOWN if value is None else share(value)


def size(difference: Difference) -> str:
    """A difference with as many decimals as tell it and its bounds from nothing: +.012."""
    return gap(difference.value, _digits(difference))


def bounds(difference: Difference, between: str = " to ") -> str:
    """The interval of a difference: +.008 to +.016."""
    return between.join(
        gap(each, _digits(difference)) for each in (difference.low, difference.high)
    )


def more_or_less(difference: Difference) -> str:
    """A difference as a share of the other's mean: 10% more."""
    if difference.relative is None:
        return "against nothing"
    return f"{share(abs(difference.relative))} {'more' if difference.relative > 0 else 'less'}"


def verdict(evaluation: Evaluation, difference: Difference) -> str:
    """One difference in words: how much, how sure, or why that cannot be said."""
    if difference.value is None:
        return "not known: nobody to tell by"
    if difference.low is None or difference.high is None:
        return f"too few to tell: {counted(difference.customers, 'customer')}"
    name = METRICS[difference.metric].title
    sure = share(evaluation.confidence)
    shown = (
        f"{size(difference)} {name}{PART_NAMES[difference.part]}, "
        f"{sure} interval {bounds(difference)}"
    )
    if difference.outcome == SAME:
        return f"no difference: the same {name} for every customer"
    if difference.outcome in (BETTER, WORSE):
        return f"{difference.outcome}: {shown}"
    return f"no difference that these {count(difference.customers)} customers can show: {shown}"


def headline(evaluation: Evaluation) -> str:
    """Which model is better, by how much and how sure, in a sentence or two."""
    first, other = evaluation.first, evaluation.strongest
    if other is None:
        return (
            f"{first.name} alone: {title_of(evaluation)} "
            f"{figure(evaluation.score(first))}. There is nothing to compare it with."
        )
    sentences = [_against(evaluation, other, strongest=len(evaluation.results) > 2)]
    champion = evaluation.champion
    if champion is not None and champion.name != other.name:
        sentences.append(_champion(evaluation, champion))
    return " ".join(sentences)


def weaknesses(evaluation: Evaluation) -> list[str]:
    """Where the first contender is clearly worse than another, each a clause; empty for nowhere.

    The largest loss in each place is spelled out, the others who are ahead there are named.
    """
    places: dict[str, list[Difference]] = {}
    for each in evaluation.differences:
        if each.outcome == WORSE and each.metric == evaluation.metric:
            places.setdefault(_place(each), []).append(each)
    return [
        _loss(place, sorted(losses, key=lambda each: each.value or 0.0), evaluation)
        for place, losses in places.items()
    ]


def caveat(evaluation: Evaluation) -> str:
    """Where it is worse, in a sentence; "" when there is nothing to compare with."""
    if len(evaluation.results) < 2:
        return ""
    found = weaknesses(evaluation)
    if not found:
        return (
            "Nothing looked at, neither repeats, new items nor any group of customers, shows it "
            "clearly worse than any of the others."
        )
    return f"It is clearly worse {'; '.join(found)}."


def listed(names: Sequence[str]) -> str:
    """Names as in a sentence: a, b and c."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _against(evaluation: Evaluation, other: Result, *, strongest: bool) -> str:
    first, found = evaluation.first.name, evaluation.difference(other.name)
    who = other.name
    if strongest:
        who += ", the live model and" if other.role is Role.CHAMPION else ","
        who += " the strongest of the others"
    scores = (
        f"{title_of(evaluation)} {figure(evaluation.score(evaluation.first))} against "
        f"{figure(evaluation.score(other))}"
    )
    both = f"{first} and {who}{',' if strongest else ''}"
    if found is None or found.low is None:
        few = counted(evaluation.facts.customers, "customer")
        return f"{few} are too few to tell {both} apart: {scores}."
    if found.outcome == SAME:
        return f"{both} serve every customer equally well: {scores}."
    sure = f"with {share(evaluation.confidence)} confidence between {bounds(found, ' and ')}"
    if found.outcome not in (BETTER, WORSE):
        customers = counted(found.customers, "customer")
        return (
            f"{both} cannot be told apart by these {customers}: {scores}. The difference lies "
            f"{sure}."
        )
    return (
        f"{first} is {found.outcome} than {who}: {scores}, {more_or_less(found)}. The difference "
        f"lies {sure}."
    )


def _champion(evaluation: Evaluation, champion: Result) -> str:
    found = evaluation.difference(champion.name)
    if found is None:
        return ""
    return f"Against the live model {champion.name}: {verdict(evaluation, found)}."


def _place(difference: Difference) -> str:
    if difference.group:
        return f"for {difference.group} customers"
    return {ALL: "overall", REPEAT: "at repeats", EXPLORE: "at new items"}[difference.part]


def _loss(place: str, losses: Sequence[Difference], evaluation: Evaluation) -> str:
    worst, *others = losses
    too = f", and behind {listed([each.against for each in others])} too" if others else ""
    return (
        f"{place} ({size(worst)} {title_of(evaluation)} against "
        f"{worst.against}, {bounds(worst)}{too})"
    )


def _digits(difference: Difference) -> int:
    """As many decimals as show that what is not zero is not."""
    for digits in range(_FEWEST_DIGITS, _MOST_DIGITS):
        parts = (difference.value, difference.low, difference.high)
        if all(not part or round(part, digits) for part in parts):
            return digits
    return _MOST_DIGITS
