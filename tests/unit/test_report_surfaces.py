"""The part of the page about lists for other purposes."""

from __future__ import annotations

from tests.contests import a_ground, an_evaluation, some_contenders
from tests.unit.test_report_page import Tags, text_of
from training.evaluation.metrics import ALL
from training.evaluation.results import Difference
from training.evaluation.surfaces.levers import DIVERSITY, NDCG, PLAIN
from training.evaluation.surfaces.results import Price, Row, Setting, Surface, Surfaces
from training.report.models import models_page


def a_difference(value: float, low: float | None, high: float | None, base: float) -> Difference:
    return Difference("popularity", "nDCG@10", ALL, value, low, high, base, 40)


def a_surface(name: str, value: float, *, sure: bool = True) -> Surface:
    edge = abs(value) / 2 if sure else abs(value) * 2
    return Surface(
        name=name,
        question=f"Is {name} good?",
        unit="order",
        cases=40,
        drawn_from=1_200,
        columns=["nDCG@10", "Recall@10"],
        rows=[Row("regulars", [0.2 + value, 0.3]), Row("popularity", [0.2, None])],
        differences=[a_difference(value, value - edge, value + edge, 0.2)],
        notes=["Drawn by lot."],
    )


def a_price() -> Price:
    plain = Setting(PLAIN.name, "", NDCG, {NDCG: 0.4, DIVERSITY: 0.8}, None)
    moved = Setting(
        "diversity",
        "0.3",
        DIVERSITY,
        {NDCG: 0.38, DIVERSITY: 0.9},
        Difference(PLAIN.name, NDCG, ALL, -0.02, -0.03, -0.01, 0.4, 900),
    )
    return Price(limit=10, customers=900, settings=[plain, moved], margins="", notes=["No costs."])


def a_page(surfaces: Surfaces) -> str:
    ground = a_ground()
    return models_page(an_evaluation(ground, some_contenders(ground)), purposes=surfaces)


def test_the_answer_counts_who_is_better_and_names_who_is_not() -> None:
    tried = [
        a_surface("Buy again", 0.1),
        a_surface("Visits", 0.01, sure=False),
        a_surface("Similar items", -0.1),
    ]

    text = text_of(a_page(Surfaces(tried, None, 0.95)))

    assert "1 of 3 lists are clearly better than all simpler ones." in text
    assert "Not clearly told apart from the strongest of them: Visits." in text
    assert "Clearly worse: Similar items (behind popularity)." in text


def test_every_surface_has_its_question_its_table_and_its_notes() -> None:
    page = a_page(Surfaces([a_surface("Buy again", 0.1)], None, 0.95))

    text = text_of(page)
    for words in (
        "Buy again: Is Buy again good?",
        "40 orders, drawn from 1,200",
        "better, +.100 (+.050 to +.150)",
        "Drawn by lot.",
    ):
        assert words in text
    assert 'id="control"' not in page


def test_control_says_what_is_paid_for_what() -> None:
    page = a_page(Surfaces([a_surface("Buy again", 0.1)], a_price(), 0.95))

    text = text_of(page)
    assert "−5.0% for diversity .800 to .900" in page
    for words in (
        "Diversity at 0.3 costs most: −5.0% nDCG",
        "−5.0% (−7.5% to −2.5%)",
        "No costs.",
    ):
        assert words in text


def test_the_page_stays_whole() -> None:
    tags = Tags()

    tags.feed(a_page(Surfaces([a_surface("Buy again", 0.1)], a_price(), 0.95)))
    tags.close()

    assert tags.open == []
