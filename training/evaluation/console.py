"""What a comparison looks like on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from training.evaluation.beyond import COVERAGE, NOVELTY
from training.evaluation.contenders import Role
from training.evaluation.metrics import HIT_RATE, METRICS, PARTS, RECALL
from training.evaluation.results import Evaluation, Result
from training.evaluation.wording import caveat, figure, headline, verdict
from training.report.words import UNKNOWN, counted

_STYLES = {Role.MODEL: "bold", Role.CHAMPION: None, Role.BASELINE: "dim"}


def print_evaluation(out: Console, evaluation: Evaluation) -> None:
    """The headline, the table of contenders, and the verdict against each."""
    out.print(headline(evaluation))
    out.print(evaluation_table(evaluation))
    for line in verdict_lines(evaluation):
        out.print(line)
    if worse := caveat(evaluation):
        out.print(worse)


def evaluation_table(evaluation: Evaluation) -> Table:
    """One row a contender, metrics over the full catalogue; fits into 80 columns."""
    customers = counted(evaluation.facts.customers, "customer")
    shown = Table(
        title=f"Quality at {evaluation.limit}, {customers}; bought before and new apart",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    shown.add_column("model", overflow="fold", min_width=12)
    for metric in dict.fromkeys((evaluation.metric, RECALL, HIT_RATE)):
        shown.add_column(f"{METRICS[metric].title}\nall before new", justify="right", no_wrap=True)
    for heading in ("cover", "novel\nbits"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for each in evaluation.results:
        shown.add_row(each.name, *_cells(evaluation, each), style=_STYLES[each.role])
    return shown


def verdict_lines(evaluation: Evaluation) -> Iterator[str]:
    """The first contender against each of the others, in words."""
    for each in evaluation.results[1:]:
        found = evaluation.difference(each.name)
        if found is not None:
            yield f"Against {each.name}: {verdict(evaluation, found)}."


def _cells(evaluation: Evaluation, result: Result) -> Iterator[str]:
    for metric in dict.fromkeys((evaluation.metric, RECALL, HIT_RATE)):
        yield " ".join(figure(result.quality[part][metric]) for part in PARTS)
    yield figure(result.beyond[COVERAGE])
    novelty = result.beyond[NOVELTY]
    yield UNKNOWN if novelty is None else f"{novelty:.1f}"
