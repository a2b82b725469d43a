"""All contenders judged on one ground, and how sure their differences are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from engine.domain.arrays import DoubleArray
from training.evaluation.bootstrap import interval, resampled_means
from training.evaluation.contenders import Contender, Ground, check_contest
from training.evaluation.measuring import Measured, measure_contenders
from training.evaluation.metrics import ALL, HIT_RATE, NDCG, PARTS, RECALL, mean
from training.evaluation.results import Cost, Difference, Evaluation, Facts, Interval, Result


class Judging(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to judge: the metric that decides, how sure intervals are, from how many resamples.

    Fewer customers than `fewest` get no interval: so few say more about chance than about a model.
    """

    metric: str = NDCG
    confidence: float = 0.95
    resamples: int = 2000
    fewest: int = 30


BOUNDS: Mapping[str, tuple[float, float]] = {
    "confidence": (0.5, 0.9999),
    "resamples": (100, 1_000_000),
    "fewest": (2, 10**9),
}
PLAIN = Judging()
# Sums of equal numbers may differ in their last bits; so many decimals are the same.
DECIMALS = 12


@dataclass(frozen=True)
class _Column:
    """A number to compare contenders by: of which customers, and among how many like it."""

    metric: str
    part: str
    kind: str = ""
    group: str = ""
    family: int = 1


@dataclass(frozen=True)
class _Table:
    """The compared numbers: contenders one after the other, each with all columns.

    `values` is customers x all columns, `drawn` resampled means of each.
    """

    columns: Sequence[_Column]
    values: DoubleArray
    drawn: DoubleArray
    config: Judging


def judge_contenders(
    ground: Ground,
    contenders: Sequence[Contender],
    *,
    limit: int,
    rng: np.random.Generator,
    config: Judging = PLAIN,
) -> Evaluation:
    """Every contender at `limit`, and the first one's differences from all others.

    Raises ContestRefused for lists that do not fit the ground.
    """
    check_contest(ground, contenders)
    measured = measure_contenders(ground, contenders, limit=limit)
    table = _table(ground, measured, config, rng=rng)
    return Evaluation(
        limit=limit,
        metric=config.metric,
        confidence=config.confidence,
        resamples=config.resamples,
        fewest=config.fewest,
        facts=_facts(ground),
        customers={part: _count(measured[0].values[part][RECALL]) for part in PARTS},
        groups={
            kind: {name: int(np.count_nonzero(mask)) for name, mask in groups.items()}
            for kind, groups in ground.groups.items()
        },
        results=[
            _result(ground, contender, own, _leading(table, number))
            for number, (contender, own) in enumerate(zip(contenders, measured, strict=True))
        ],
        differences=[
            _difference(table, number, contender.name, column=at)
            for number, contender in enumerate(contenders)
            if number
            for at in range(len(table.columns))
        ],
    )


def _table(
    ground: Ground, measured: Sequence[Measured], config: Judging, *, rng: np.random.Generator
) -> _Table:
    columns = _columns(ground, config)
    values = np.stack(
        [_values(each, column, ground) for each in measured for column in columns], axis=1
    )
    drawn = resampled_means(values, resamples=config.resamples, rng=rng)
    return _Table(columns, values, drawn, config)


def _columns(ground: Ground, config: Judging) -> list[_Column]:
    """What is compared, the metric that decides over all customers first."""
    metrics = dict.fromkeys((config.metric, RECALL, HIT_RATE))
    groups = [(kind, name) for kind, own in ground.groups.items() for name in own]
    return [
        *(_Column(metric, part) for part in PARTS for metric in metrics),
        *(_Column(config.metric, ALL, kind, name, len(groups)) for kind, name in groups),
    ]


def _values(measured: Measured, column: _Column, ground: Ground) -> DoubleArray:
    values = measured.values[column.part][column.metric]
    if not column.kind:
        return values
    return np.where(ground.groups[column.kind][column.group], values, np.nan)


def _leading(table: _Table, contender: int) -> Interval:
    """A contender's metric that decides, the first of its columns, with its interval."""
    at = contender * len(table.columns)
    value = mean(table.values[:, at])
    if _count(table.values[:, at]) < table.config.fewest:
        return Interval(_known(value), None, None)
    low, high = interval(table.drawn[:, at], confidence=table.config.confidence)
    return Interval(_known(value), _known(low), _known(high))


def _difference(table: _Table, contender: int, name: str, *, column: int) -> Difference:
    """The first contender's number minus another's, paired customer by customer."""
    about, config = table.columns[column], table.config
    other = contender * len(table.columns) + column
    gaps = np.round(table.drawn[:, column] - table.drawn[:, other], DECIMALS)
    low, high = interval(gaps, confidence=1 - (1 - config.confidence) / about.family)
    base = mean(table.values[:, other])
    customers = _count(table.values[:, column])
    few = customers < config.fewest
    return Difference(
        against=name,
        metric=about.metric,
        part=about.part,
        value=_known(round(mean(table.values[:, column]) - base, DECIMALS)),
        low=None if few else _known(low),
        high=None if few else _known(high),
        base=_known(base),
        customers=customers,
        kind=about.kind,
        group=about.group,
        family=about.family,
    )


def _result(ground: Ground, contender: Contender, own: Measured, leading: Interval) -> Result:
    overall = own.values[ALL]
    return Result(
        name=contender.name,
        role=contender.role,
        quality={
            part: {name: _known(mean(values)) for name, values in metrics.items()}
            for part, metrics in own.values.items()
        },
        beyond={name: _known(value) for name, value in own.beyond.items()},
        leading=leading,
        recall_by_rank=[_known(float(value)) for value in own.by_rank],
        groups={
            kind: {
                name: {metric: _known(mean(overall[metric][mask])) for metric in overall}
                for name, mask in groups.items()
            }
            for kind, groups in ground.groups.items()
        },
        cost=Cost(contender.fit_seconds, contender.lists_per_second, contender.memory_mb),
    )


def _facts(ground: Ground) -> Facts:
    repeat = sum(len(own.repeat) for own in ground.truths)
    unseen = sum(own.unseen for own in ground.truths)
    bought = repeat + unseen + sum(len(own.explore) for own in ground.truths)
    past = ground.histories
    return Facts(
        customers=len(ground),
        newcomers=ground.newcomers,
        items=ground.items,
        start_ms=ground.start_ms,
        until_ms=ground.until_ms,
        first_ms=int(past.at.min()) if past.lines else None,
        past_lines=past.lines,
        bought=bought / len(ground) if len(ground) else None,
        repeat_share=repeat / bought if bought else None,
        unseen_share=unseen / bought if bought else None,
        notes=list(ground.notes),
        timed=ground.timed,
    )


def _count(values: DoubleArray) -> int:
    return int(np.count_nonzero(~np.isnan(values)))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
