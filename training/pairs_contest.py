"""A version that was trained on plain pairs, on what is held out of them at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.domain.assortment import Assortment
from engine.errors import ModelUnavailable
from engine.store.log_reader import ReadLog
from engine.store.model_store import ModelStore
from training.config import TrainConfig
from training.contest import Entry, Known, Match, Outcome, hold, orders_with, titles_of
from training.course import Surroundings
from training.evaluate import FINAL
from training.evaluation.contenders import Role
from training.fit import Recipe
from training.plain import PlainCourse
from training.split import Split
from training.train import data_hash


@dataclass(frozen=True)
class RecordedPairs:
    """What a version's manifest says of how it was made from pairs."""

    version: str
    config: TrainConfig
    recipe: Recipe
    split: Split
    data_hash: str


def recorded_pairs(store: ModelStore, version: str) -> RecordedPairs | None:
    """How a version was made from pairs, None when it was made by time.

    Raises ModelUnavailable when its manifest does not say how.
    """
    note: Mapping[str, Any] = store.manifest(version).training
    if not note.get("split", {}).get("held_out"):
        return None
    try:
        return RecordedPairs(
            version=version,
            config=msgspec.convert(note["config"], TrainConfig),
            recipe=msgspec.convert(note["recipe"], Recipe),
            split=Split(**note["split"]),
            data_hash=note["data_hash"],
        )
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise ModelUnavailable(
            f"model {version} does not say how it was made ({error}); train again"
        ) from error


def by_held_out(own: RecordedPairs, log: ReadLog, *, around: Surroundings, match: Match) -> Outcome:
    """The recipe of a version against every scorer alone, on what is held out of its pairs.

    All are trained again without what is held out; the customers who are asked about are others
    than those by whom the blend was settled.
    """
    course = PlainCourse(log, until_ms=own.split.until, config=own.config, around=around)
    models = course.models(own.recipe)
    final = models.pop(FINAL)
    known = course.parts.known
    return hold(
        [
            Entry(FINAL, final, Role.MODEL, new_only=True),
            *(Entry(name, model, new_only=True) for name, model in models.items()),
        ],
        course.target,
        Known(
            items=known.items,
            assortment=Assortment.of(known.items, around.catalog),
            popularity=orders_with(known),
            cuts=None,
            until_ms=None,
            titles=titles_of(around.catalog),
            notes=_notes(own, course, log),
            timed=False,
        ),
        match=match,
    )


def _notes(own: RecordedPairs, course: PlainCourse, log: ReadLog) -> list[str]:
    share, others = own.split.held_out or 0.0, len(course.parts.validation.truths)
    notes = [
        f"{own.version} was trained again, by its recorded recipe, without {share:.0%} of the "
        f"items of each customer, drawn at random. {others:,} other customers settled its blend."
    ]
    if data_hash(log.lines, until_ms=own.split.until) != own.data_hash:
        notes.append(f"The log has changed since {own.version} was trained.")
    return notes
