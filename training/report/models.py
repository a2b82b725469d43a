"""A comparison of models as one HTML file that needs nothing else: no network, no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from training.evaluation.examples import AGAIN, NEW, Example
from training.evaluation.metrics import ALL
from training.evaluation.results import Evaluation
from training.evaluation.surfaces.results import Surfaces
from training.evaluation.wording import caveat, headline
from training.report.blocks import Section
from training.report.rendering import rendered
from training.report.sections import (
    contest,
    contest_groups,
    contest_notes,
    contest_surfaces,
    contest_traits,
)
from training.report.sections.contest_notes import window
from training.report.words import counted, day

TEMPLATE = "models.html"
# An order of a wholesaler would fill the page.
TITLES_AN_ORDER = 12
# What stands beside a title, for who cannot see its colour.
MARKS = MappingProxyType({AGAIN: "bought again", NEW: "bought, new to them"})


def models_page(
    evaluation: Evaluation,
    examples: Sequence[Example] = (),
    *,
    surfaces: Mapping[str, Evaluation] = MappingProxyType({}),
    purposes: Surfaces | None = None,
) -> str:
    """The whole page; `surfaces` are comparisons of lists for other purposes, by name.

    `purposes` has every list tried for its own purpose, and what control costs.
    """
    facts, others = evaluation.facts, len(evaluation.results) - 1
    return rendered(
        TEMPLATE,
        heading=f"{evaluation.first.name} on trial",
        summary=" · ".join(
            [
                *([f"against {counted(others, 'other')}"] if others else []),
                counted(evaluation.customers[ALL], "customer"),
                window(facts),
            ]
        ),
        words=[headline(evaluation), caveat(evaluation)],
        figures=contest.key_figures(evaluation),
        sections=[*_findings(evaluation), *_purposes(purposes)],
        examples=examples,
        marks=MARKS,
        titles_an_order=TITLES_AN_ORDER,
        day=day,
        timed=facts.timed,
        notes=_notes(evaluation, surfaces),
    )


def _findings(evaluation: Evaluation) -> list[Section]:
    return [
        contest.verdicts(evaluation),
        contest.contenders(evaluation),
        contest.parts(evaluation),
        contest_groups.groups(evaluation),
        contest.ranks(evaluation),
        contest_traits.variety(evaluation),
        contest_traits.costs(evaluation),
    ]


def _purposes(tried: Surfaces | None) -> list[Section]:
    if tried is None:
        return []
    control = [contest_surfaces.control(tried.price)] if tried.price is not None else []
    return [contest_surfaces.purposes(tried), *control]


def _notes(evaluation: Evaluation, surfaces: Mapping[str, Evaluation]) -> list[Section]:
    return [
        *([contest_notes.surfaces(surfaces)] if surfaces else []),
        contest_notes.careful(evaluation),
        contest_notes.meanings(),
        contest_notes.data(evaluation),
    ]
