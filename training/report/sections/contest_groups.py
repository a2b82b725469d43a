"""Which customers are served how well, group by group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.charts.lines import slopes
from engine.charts.theme import Chart
from training.evaluation.results import BETTER, WORSE, Difference, Evaluation
from training.evaluation.wording import figure, listed, size, title_of
from training.report.blocks import Block, Figure, Section, Table, Text
from training.report.sections.contest import difference_bar
from training.report.words import count, share, title


def groups(evaluation: Evaluation) -> Section:
    """The metric that decides within each group, for every model and as differences."""
    name = "Which customers it serves better"
    if not evaluation.groups:
        return Section("groups", name, "No groups of customers were given to look at.")
    other = evaluation.yardstick
    shown = [] if other is None else evaluation.by_group(other.name)
    blocks: list[Block] = []
    if other is not None and any(each.low is not None for each in shown):
        blocks += [Figure(_differences(evaluation, shown, other.name))]
    blocks += [_table(evaluation, kind) for kind in evaluation.groups]
    if shown:
        blocks.append(Text(_about(evaluation, shown), quiet=True))
    return Section("groups", name, _answer(shown), blocks)


def _answer(shown: Sequence[Difference]) -> str:
    if not shown:
        return "How well each model serves each group of customers."
    against = shown[0].against
    return (
        " ".join(
            [
                *_found(shown, BETTER, f"Clearly better than {against} for"),
                *_found(shown, WORSE, f"Clearly worse than {against} for"),
            ]
        )
        or f"In no group is there a clear difference from {against}."
    )


def _found(shown: Sequence[Difference], outcome: str, words: str) -> Iterator[str]:
    names = [f"{each.group} ({size(each)})" for each in shown if each.outcome == outcome]
    if names:
        yield f"{words} {listed(names)}."


def _differences(evaluation: Evaluation, shown: Sequence[Difference], against: str) -> Chart:
    drawn = [each for each in shown if each.low is not None]
    better, worse = (sum(each.outcome == outcome for each in drawn) for outcome in (BETTER, WORSE))
    finding = (
        f"Of {len(drawn)} groups, {better} are clearly served better than by {against}, {worse} "
        "worse"
        if better or worse
        else f"No group is clearly served better or worse than by {against}"
    )
    return slopes(
        [difference_bar(f"{each.group} ({count(each.customers)})", each) for each in drawn],
        title=finding,
        subtitle=f"Difference of {title_of(evaluation)} within each group, customers in brackets. "
        f"The intervals are wide enough that all of them together hold with "
        f"{share(evaluation.confidence)} confidence.",
        value_format="+.2~f",
    )


def _table(evaluation: Evaluation, kind: str) -> Table:
    sizes = evaluation.groups[kind]
    rows = [
        (
            title(name),
            count(size),
            *(figure(each.groups[kind][name][evaluation.metric]) for each in evaluation.results),
        )
        for name, size in sizes.items()
    ]
    headings = [title(kind), "Customers", *(each.name for each in evaluation.results)]
    return Table(
        headings,
        rows,
        frozenset(range(1, len(headings))),
        f"{title_of(evaluation)} by {kind}",
    )


def _about(evaluation: Evaluation, shown: Sequence[Difference]) -> str:
    few = [each for each in shown if each.customers < evaluation.fewest]
    small = (
        f" Too small to tell, with fewer than {evaluation.fewest} customers: "
        f"{listed([each.group for each in few])}."
        if few
        else ""
    )
    return (
        "Groups are those of the day the test began. A customer is in one group of each kind at "
        f"most, so kinds overlap.{small}"
    )
