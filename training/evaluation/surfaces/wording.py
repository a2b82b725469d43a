"""What surfaces and settings came to, in words."""

from __future__ import annotations

from training.evaluation.beyond import CALIBRATION, DIVERSITY
from training.evaluation.results import BETTER, SAME, WORSE, Difference
from training.evaluation.surfaces.levers import EARNED, MARGIN, NDCG, TRAITS
from training.evaluation.surfaces.results import Price, Setting, Surface
from training.evaluation.wording import bounds, figure, listed, percent, size
from training.report.words import UNKNOWN, counted

_DECIMAL = frozenset({NDCG, DIVERSITY, CALIBRATION})
_MONEY = frozenset({MARGIN, EARNED})


def against(surface: Surface, name: str) -> str:
    """The difference from one of the others: better, +.032 (+.012 to +.053)."""
    found = surface.difference(name)
    if found is None or found.value is None:
        return UNKNOWN
    if found.low is None:
        return f"too few to tell: {counted(surface.cases, surface.unit)}"
    if found.outcome == SAME:
        return "the same"
    verdict = found.outcome if found.outcome in (BETTER, WORSE) else "no clear difference"
    return f"{verdict}, {size(found)} ({bounds(found)})"


def behind(surface: Surface) -> list[str]:
    """Who is clearly better than the contender on trial."""
    return [each.against for each in surface.differences if each.outcome == WORSE]


def summary(tried: list[Surface]) -> str:
    """How many surfaces beat all that they were tried against, and which do not."""
    beaten = [each for each in tried if _all_better(each)]
    worse = [f"{each.name} (behind {listed(behind(each))})" for each in tried if behind(each)]
    open_ = [each.name for each in tried if each not in beaten and not behind(each)]
    told = [f"{len(beaten)} of {len(tried)} lists are clearly better than all simpler ones."]
    if open_:
        told.append(f"Not clearly told apart from the strongest of them: {listed(open_)}.")
    if worse:
        told.append(f"Clearly worse: {listed(worse)}.")
    return " ".join(told)


def change(setting: Setting) -> str:
    """The change of nDCG under a setting, as a share and with its interval."""
    cost = setting.cost
    if cost is None:
        return figure(setting.values.get(NDCG))
    if cost.outcome == SAME:
        return "none"
    if cost.low is None or cost.high is None or not cost.base:
        return f"{relative(cost)}, too few to tell"
    low, high = (_signed(each / cost.base) for each in (cost.low, cost.high))
    return f"{relative(cost)} ({low} to {high})"


def brief(setting: Setting) -> str:
    """The change of nDCG in a word; in brackets where it may be chance."""
    cost = setting.cost
    if cost is None:
        return figure(setting.values.get(NDCG))
    return relative(cost) if cost.outcome in (BETTER, WORSE) else f"({relative(cost)})"


def label(setting: Setting) -> str:
    """A lever and how far it was moved."""
    return f"{setting.lever} {setting.strength}".strip()


def relative(cost: Difference) -> str:
    """A change as a share of what it was: −4.2%."""
    return UNKNOWN if cost.relative is None else _signed(cost.relative)


def written(name: str, value: float | None) -> str:
    """A trait's value as people read it."""
    if value is None:
        return UNKNOWN
    if name in _MONEY:
        return f"{value / 100:,.2f}"
    return figure(value) if name in _DECIMAL else percent(value)


def gained(setting: Setting, plain: Setting) -> str:
    """What a setting gives of what its lever aims at: margin shown 12.31 to 13.40."""
    before, after = plain.values.get(setting.aim), setting.values.get(setting.aim)
    if before is None or after is None:
        return UNKNOWN
    name = TRAITS[setting.aim].title.lower()
    return f"{name} {written(setting.aim, before)} to {written(setting.aim, after)}"


def traits_of(price: Price) -> list[str]:
    """The traits that any setting's lists are told by, in order."""
    return [
        name for name in TRAITS if any(each.values.get(name) is not None for each in price.settings)
    ]


def _signed(change: float) -> str:
    shown = f"{abs(change):.1%}"
    if shown == "0.0%":
        return shown
    return f"{'−' if change < 0 else '+'}{shown}"


def _all_better(surface: Surface) -> bool:
    return all(each.outcome == BETTER for each in surface.differences)
