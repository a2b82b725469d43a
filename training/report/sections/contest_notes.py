"""What to be careful about, what the numbers mean, and which data they come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.domain.histories import DAY_MS
from training.evaluation.beyond import BEYOND
from training.evaluation.metrics import ALL, METRICS
from training.evaluation.results import Evaluation, Facts
from training.evaluation.wording import figure, headline, percent, title_of
from training.report.blocks import Block, Section, Table, Terms, Text
from training.report.words import count, counted, day, share

# Windows shorter than four weeks do not even out the days of a month.
WHOLE_MONTH_DAYS = 28
# Fewer customers leave wide intervals.
FEW_CUSTOMERS = 500


def surfaces(others: Mapping[str, Evaluation]) -> Section:
    """Lists made for another purpose, each judged for its own."""
    blocks: list[Block] = []
    for name, evaluation in others.items():
        rows = [
            (
                each.name,
                *(figure(each.quality[ALL][metric]) for metric in METRICS),
            )
            for each in sorted(evaluation.results, key=evaluation.score, reverse=True)
        ]
        headings = ["Model", *(f"{metric.title}" for metric in METRICS.values())]
        caption = f"{name}, at {evaluation.limit}, {counted(evaluation.customers[ALL], 'customer')}"
        blocks += [
            Text(f"{name}: {headline(evaluation)}"),
            Table(headings, rows, frozenset(range(1, len(headings))), caption),
        ]
    answer = f"{counted(len(others), 'other list')} with a purpose of its own, judged by it."
    return Section("surfaces", "Other lists", answer, blocks)


def careful(evaluation: Evaluation) -> Section:
    """What these numbers cannot carry."""
    blocks = [Text(each) for each in (*evaluation.facts.notes, *_cautions(evaluation))]
    answer = "Numbers from one window of one shop. Before they are quoted:"
    return Section("careful", "What to be careful about", answer, blocks)


def meanings() -> Section:
    """Every metric in one line."""
    rows = [(each.title, each.meaning) for each in METRICS.values()]
    rows += [(each.title, each.meaning) for each in BEYOND.values()]
    answer = "Metrics are means over customers: everybody counts the same, big buyer or small."
    return Section("meanings", "What the numbers mean", answer, [Terms(rows)])


def window(facts: Facts) -> str:
    """From when to when customers were watched, or that the split had no times."""
    if not facts.timed:
        return "a random split"
    if facts.until_ms is None:
        return f"what was bought next, from {day(facts.start_ms)}"
    return f"{day(facts.start_ms)} to {day(facts.until_ms - 1)}"


def data(evaluation: Evaluation) -> Section:
    """The split and the customers."""
    facts = evaluation.facts
    answer = (
        f"Models knew the purchases before {day(facts.start_ms)} and nothing later; they were "
        "scored on what customers bought after."
        if facts.timed
        else "A random part of what customers bought was held out and sought; models knew the rest."
    )
    return Section("data", "The data", answer, [Terms([*_known(facts), *_sought(evaluation)])])


def _known(facts: Facts) -> Iterator[tuple[str, str]]:
    since = f", from {day(facts.first_ms)}" if facts.timed else ""
    yield "Test window", f"{window(facts)} (UTC)" if facts.timed else window(facts)
    yield "Known before", f"{counted(facts.past_lines, 'purchase line')} of the customers{since}"
    yield "Customers", f"{count(facts.customers)} with a past who bought in the window"
    yield "Without a past", f"{count(facts.newcomers)} more bought in the window; not scored"
    yield "Catalogue", f"{counted(facts.items, 'item')}, all of which compete"


def _sought(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    facts = evaluation.facts
    if facts.bought is not None:
        yield "Bought", f"{facts.bought:.1f} different items a customer on average"
        yield "Of those", f"{percent(facts.repeat_share)} bought before by the same customer"
        yield (
            "Never seen",
            f"{percent(facts.unseen_share)} were not in the catalogue before; nobody can show "
            "them, and they count as missed",
        )
    yield (
        "Intervals",
        f"paired bootstrap over customers, {count(evaluation.resamples)} resamples, percentiles, "
        f"{share(evaluation.confidence)}",
    )


def _cautions(evaluation: Evaluation) -> Iterator[str]:
    facts, others = evaluation.facts, len(evaluation.results) - 1
    yield from _on_time(facts)
    if facts.customers < FEW_CUSTOMERS:
        yield (
            f"{counted(facts.customers, 'customer')} are few. That no difference was found does "
            "not mean that there is none."
        )
    if others > 1:
        yield (
            f"Each of the {others} overall verdicts holds on its own; by chance alone one in "
            f"{1 / (1 - evaluation.confidence):.0f} such intervals misses. Those of the groups "
            "hold together."
        )
    yield (
        "Customers chose without these lists, and partly from what the shop then showed: a list "
        "is not credited for what it would have talked anybody into. Only a live test with a "
        "group left out can tell what a model earns."
    )
    yield (
        f"{title_of(evaluation)} was measured on the window that the others were measured on. "
        "Whoever picks the best of many models by it should expect a little less later."
    )


def _on_time(facts: Facts) -> Iterator[str]:
    if not facts.timed:
        yield (
            "The split was random, for the purchases have no times: what was held out lies among "
            "what was known. Expect less where models must foresee."
        )
        return
    if facts.until_ms is None:
        yield "What was bought then came without times: nobody knows how long after it lies."
        return
    days = (facts.until_ms - facts.start_ms) / DAY_MS
    yield (
        f"The intervals speak of other customers like these in the same {days:.0f} days. They "
        "know nothing of other seasons; a second window would."
    )
    if days < WHOLE_MONTH_DAYS:
        yield (
            f"The window of {counted(round(days), 'day')} is short: paydays and weekends weigh "
            "more than they will later."
        )
