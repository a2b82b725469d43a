"""Models against each other: how sure a difference is, who reaches what, how far down a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from engine.charts.bars import Bar, Pair, bars, pairs
from engine.charts.lines import Scaling, slopes
from engine.charts.plots import Line, fan
from engine.charts.theme import AMBER, BLUE, GREEN, GREY, RED, SKY, Chart
from training.evaluation.contenders import Role
from training.evaluation.metrics import ALL, EXPLORE, HIT_RATE, METRICS, RECALL, REPEAT
from training.evaluation.results import BETTER, WORSE, Difference, Evaluation, Result
from training.evaluation.wording import (
    bounds,
    figure,
    listed,
    more_or_less,
    percent,
    size,
    title_of,
    verdict,
)
from training.report.blocks import Block, Figure, KeyFigure, Section, Table, Text
from training.report.words import UNKNOWN, count, counted, share

OUTCOME_COLOURS = MappingProxyType({BETTER: BLUE, WORSE: RED})
# Lines of one chart that an eye can tell apart; further ones are grey.
LINE_COLOURS = (BLUE, AMBER, GREEN, RED, SKY)
ROLES: Mapping[Role, str] = MappingProxyType(
    {Role.MODEL: "on trial", Role.CHAMPION: "live", Role.BASELINE: "baseline"}
)


def key_figures(evaluation: Evaluation) -> list[KeyFigure]:
    """The numbers to remember, most important first."""
    return [*_reached(evaluation), *_gained(evaluation), *_apart(evaluation)]


def verdicts(evaluation: Evaluation) -> Section:
    """The first contender's difference from each other one, with its interval and in words."""
    name = "Is it better, and how sure is that"
    found = [evaluation.difference(each.name) for each in evaluation.results[1:]]
    shown = [each for each in found if each is not None]
    if not shown:
        return Section("verdict", name, "There is nothing to compare it with.")
    rows = [(each.against, verdict(evaluation, each)) for each in shown]
    blocks: list[Block] = [Table(["Against", "Verdict"], rows)]
    drawn = [each for each in shown if each.low is not None]
    if drawn:
        blocks.insert(0, Figure(_differences(evaluation, drawn)))
    return Section("verdict", name, _tally(evaluation, shown), blocks)


def contenders(evaluation: Evaluation) -> Section:
    """All contenders in one table, and the metric that decides with its intervals."""
    first = evaluation.first
    ranked = sorted(evaluation.results, key=evaluation.score, reverse=True)
    place = [each.name for each in ranked].index(first.name) + 1
    answer = (
        f"{first.name} is number {place} of {len(ranked)} by {title_of(evaluation)}, the metric "
        f"that decides. Every item of the catalogue of {count(evaluation.facts.items)} competed."
    )
    metrics = dict.fromkeys((evaluation.metric, *METRICS))
    rows = [
        (
            each.name,
            ROLES[each.role],
            *(figure(each.quality[ALL][metric]) for metric in metrics),
        )
        for each in ranked
    ]
    headings = ["Model", "Role", *(METRICS[metric].title for metric in metrics)]
    table = Table(
        headings,
        rows,
        frozenset(range(2, len(headings))),
        f"At {evaluation.limit}, means over {count(evaluation.customers[ALL])} customers",
    )
    return Section("models", "All models", answer, [Figure(_scores(evaluation, ranked)), table])


def parts(evaluation: Evaluation) -> Section:
    """What was bought before and what was new to the customer, apart."""
    facts, customers = evaluation.facts, evaluation.customers
    bought = UNKNOWN if facts.repeat_share is None else share(facts.repeat_share)
    answer = (
        f"{bought} of what was bought, the customer had bought before. Finding that again and "
        "finding something new are two skills, and few models have both."
    )
    rows = [
        (
            each.name,
            *(
                figure(each.quality[part][metric])
                for part in (REPEAT, EXPLORE)
                for metric in (evaluation.metric, RECALL, HIT_RATE)
            ),
        )
        for each in evaluation.results
    ]
    names = [METRICS[metric].title for metric in (evaluation.metric, RECALL, HIT_RATE)]
    headings = ["Model", *(f"{n}, repeats" for n in names), *(f"{n}, new" for n in names)]
    about = (
        f"Repeats: over the {counted(customers[REPEAT], 'customer')} who bought something again. "
        f"New: over the {count(customers[EXPLORE])} who bought something new to them. Ranks are "
        "those of the one list that was shown."
    )
    return Section(
        "parts",
        "Bought before, and new",
        answer,
        [
            Figure(_skills(evaluation)),
            Table(headings, rows, frozenset(range(1, 7))),
            Text(about, quiet=True),
        ],
    )


def ranks(evaluation: Evaluation) -> Section:
    """Recall of shorter lists."""
    own = evaluation.first.recall_by_rank
    half = max(len(own) // 2, 1)
    answer = (
        f"The first {counted(half, 'place')} of {evaluation.first.name}'s lists hold "
        f"{percent(own[half - 1])} of what was bought, all {len(own)} hold {percent(own[-1])}."
    )
    lines = [
        Line(each.name, [value or 0.0 for value in each.recall_by_rank], colour)
        for each, colour in zip(evaluation.results, _line_colours(evaluation), strict=True)
    ]
    # What is drawn last lies on top.
    lines.reverse()
    chart = fan(
        lines,
        Scaling("places shown", "recall", x_format="d"),
        title=f"Recall grows from {percent(own[0])} in one place to {percent(own[-1])} in "
        f"{len(own)}",
        subtitle="The share of what a customer bought that the first places hold. Where space is "
        "short, the left of the chart counts.",
    )
    return Section("ranks", "How far down the list", answer, [Figure(chart)])


def colour_of(evaluation: Evaluation, result: Result) -> str:
    """Blue for the one on trial, amber for the live one, grey for the others."""
    if result.name == evaluation.first.name:
        return BLUE
    return AMBER if result.role is Role.CHAMPION else GREY


def difference_bar(label: str, difference: Difference) -> Bar:
    """A difference with its interval, blue when better, red when worse."""
    return Bar(
        label,
        difference.value or 0.0,
        f"{size(difference)} ({bounds(difference)})",
        difference.low,
        difference.high,
        OUTCOME_COLOURS.get(difference.outcome, GREY),
    )


def _reached(evaluation: Evaluation) -> Iterator[KeyFigure]:
    first = evaluation.first
    hits = first.quality[ALL][HIT_RATE]
    yield KeyFigure(
        figure(evaluation.score(first)),
        f"{title_of(evaluation)} of {first.name}",
        f"{percent(hits)} of customers bought something that was in their list of "
        f"{evaluation.limit}.",
    )


def _gained(evaluation: Evaluation) -> Iterator[KeyFigure]:
    other = evaluation.yardstick
    found = None if other is None else evaluation.difference(other.name)
    if other is None or found is None or found.value is None:
        return
    if found.low is None:
        said = "Too few customers to tell whether that is luck."
    elif found.outcome in (BETTER, WORSE):
        said = f"{more_or_less(found).capitalize()}, and surely some: {bounds(found)}."
    else:
        said = f"No difference that these customers can show: {bounds(found)}."
    yield KeyFigure(size(found), f"{title_of(evaluation)} against {other.name}", said)


def _apart(evaluation: Evaluation) -> Iterator[KeyFigure]:
    own = evaluation.first.quality
    yield KeyFigure(
        f"{figure(own[REPEAT][RECALL])} / {figure(own[EXPLORE][RECALL])}",
        "recall of repeats / of new items",
        f"The shares of what customers bought again, and of what was new to them, that were in "
        f"their list of {evaluation.limit}.",
    )


def _tally(evaluation: Evaluation, shown: Sequence[Difference]) -> str:
    """Whom it beats, whom it does not, and who beats it."""
    better, worse = (
        [each.against for each in shown if each.outcome == outcome] for outcome in (BETTER, WORSE)
    )
    unclear = [each.against for each in shown if each.outcome not in (BETTER, WORSE)]
    sentences = [
        f"{evaluation.first.name} is clearly better than {listed(better)}." if better else "",
        f"It is clearly worse than {listed(worse)}." if worse else "",
        f"It cannot be told apart from {listed(unclear)}." if unclear else "",
    ]
    return " ".join(filter(None, sentences))


def _differences(evaluation: Evaluation, shown: Sequence[Difference]) -> Chart:
    clear = sum(each.outcome == BETTER for each in shown)
    return slopes(
        [difference_bar(f"against {each.against}", each) for each in shown],
        title=f"{evaluation.first.name} is clearly better than {clear} of {len(shown)} others",
        subtitle=f"Difference of {title_of(evaluation)} over the same customers, with "
        f"{share(evaluation.confidence)} intervals. Right of the line it is better; an interval "
        "that crosses the line shows no difference.",
        value_format="+.2~f",
    )


def _scores(evaluation: Evaluation, ranked: Sequence[Result]) -> Chart:
    rows = [
        Bar(
            each.name,
            each.leading.value or 0.0,
            figure(each.leading.value),
            each.leading.low,
            each.leading.high,
            colour_of(evaluation, each),
        )
        for each in ranked
    ]
    best = ranked[0]
    return bars(
        rows,
        title=f"{best.name} has the highest {title_of(evaluation)}: {figure(best.leading.value)}",
        subtitle=f"With {share(evaluation.confidence)} intervals of each alone. They are no way to "
        "compare two models, for both are tried on the same customers: the differences above are.",
    )


def _skills(evaluation: Evaluation) -> Chart:
    rows = []
    for each in evaluation.results:
        again, new = (each.quality[part][RECALL] for part in (REPEAT, EXPLORE))
        rows.append(Pair(each.name, again or 0.0, new or 0.0, (percent(again), percent(new))))
    best = max(evaluation.results, key=lambda each: each.quality[EXPLORE][RECALL] or 0.0)
    return pairs(
        rows,
        names=("of what was bought again", "of what was new"),
        title=f"{best.name} finds most new items: {percent(best.quality[EXPLORE][RECALL])} of them",
        subtitle=f"Recall at {evaluation.limit}, each over the customers who bought any such.",
    )


def _line_colours(evaluation: Evaluation) -> list[str]:
    spare = len(evaluation.results) - len(LINE_COLOURS)
    return [*LINE_COLOURS, *[GREY] * max(spare, 0)][: len(evaluation.results)]
