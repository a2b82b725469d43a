"""The page of a comparison: whole, self-contained, and plain about what it cannot tell."""

from __future__ import annotations

import re

import numpy as np
import pytest

from engine.domain.ids import IdTable
from tests.builders import a_history, histories
from tests.contests import a_ground, a_truth, an_evaluation, some_contenders, the_same_list
from tests.unit.test_report_page import Tags, text_of
from training.evaluation.contenders import Contender, Ground
from training.evaluation.examples import choose_examples
from training.report.models import models_page


def a_page(ground: Ground, contenders: list[Contender] | None = None) -> str:
    contenders = some_contenders(ground) if contenders is None else contenders
    examples = choose_examples(ground, contenders, limit=3, rng=np.random.default_rng(4))
    evaluation = an_evaluation(ground, contenders)
    return models_page(evaluation, examples, surfaces={"Discover": evaluation})


@pytest.fixture(scope="module")
def whole() -> str:
    return a_page(a_ground(newcomers=12, notes=["The fuel was left out."]))


def test_every_tag_is_closed_and_every_link_leads_to_a_part(whole: str) -> None:
    tags = Tags()

    tags.feed(whole)
    tags.close()

    assert tags.open == []
    parts = [attrs["id"] for tag, attrs in tags.seen if tag == "section"]
    links = [attrs["href"] for tag, attrs in tags.seen if tag == "a"]
    assert links == [f"#{part}" for part in parts]
    assert len(parts) == len(set(parts)) == 12


def test_the_page_holds_everything_it_shows(whole: str) -> None:
    addresses = set(re.findall(r"[a-z]+://[^\"' >)]+", whole))

    assert addresses == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in whole
    assert not re.search(r"<script|<link|<img|@import|url\(|\ssrc=", whole)


def test_the_finding_comes_first_and_every_chart_says_its_own(whole: str) -> None:
    text = text_of(whole)

    sentences = [
        "v2 is better than v1, the live model and the strongest of the others: nDCG@3 1.000 "
        "against .807, 24% more.",
        "Nothing looked at, neither repeats, new items nor any group of customers, shows it "
        "clearly worse",
        "v2 is clearly better than 2 of 2 others",
        "v2 has the highest nDCG@3: 1.000",
        "v2 finds most new items: 100% of them",
        "Of 2 groups, 2 are clearly served better than by v1, 0 worse",
        "Recall grows from 75% in one place to 100% in 3",
        "Coverage is highest for v2: .375",
    ]
    found = [sentence for sentence in sentences if sentence in text]

    assert found == sentences
    assert whole.count("<figure>") == whole.count("<svg") == 7


def test_the_data_and_the_costs_are_told(whole: str) -> None:
    text = text_of(whole)

    for words in (
        "11 January 2026 to 7 February 2026 (UTC)",
        "12 more bought in the window; not scored",
        "67% bought before by the same customer",
        "takes 2.5 min to fit, makes 4,000 lists a second",
        "The fuel was left out.",
        "80 customers are few.",
        "paired bootstrap over customers, 400 resamples",
    ):
        assert words in text


def test_hits_are_marked_in_words_and_not_by_colour_alone(whole: str) -> None:
    assert re.search(r'<li class="hit">Apple, red <small>✓ bought again</small></li>', whole)
    assert re.search(r'<li class="hit">Figs <small>✓ bought, new to them</small></li>', whole)
    assert "v2: 2 of 3" in text_of(whole)


def test_every_metric_on_the_page_is_explained(whole: str) -> None:
    terms = re.findall(r"<dt>([^<]+)</dt>", whole)

    headings = set(re.findall(r'class="number">([^<]+)</th>', whole))
    titles = {each.split(",")[0] for each in headings}
    explained = {each.split(",")[0] for each in terms}
    other = {"Customers", "To fit", "Lists a second", "Memory", "v1", "v2", "popularity"}
    assert titles - other <= explained


def test_names_titles_and_ids_are_words_and_never_markup() -> None:
    nasty = "<script>alert('x')</script>"
    ground = a_ground(
        groups={nasty: {nasty: np.ones(80, dtype=np.bool_)}}, titles={"apple": nasty}, notes=[nasty]
    )

    html = a_page(
        ground, [the_same_list(ground, 0, name=nasty), the_same_list(ground, 1, name="b")]
    )

    assert "<script" not in html


def test_without_customers_groups_costs_or_others_there_are_sentences_and_no_error() -> None:
    ground = a_ground(0, groups={})

    html = a_page(ground, [the_same_list(ground, 0, name="alone")])

    text = text_of(html)
    for sentence in (
        "There is nothing to compare it with.",
        "No groups of customers were given to look at.",
        "Costs were not measured.",
        "0 customers are few.",
    ):
        assert sentence in text
    assert not re.search(r">\s*(nan|None)\b", html)
    assert "against" not in text.split("customers")[0]


def test_small_groups_are_named_and_not_judged() -> None:
    tiny = np.arange(80) < 5
    ground = a_ground(groups={"stage": {"tiny": tiny, "large": ~tiny}})

    text = text_of(a_page(ground))

    assert "Too small to tell, with fewer than 30 customers: tiny." in text


def test_a_random_split_is_labelled_and_shows_no_day() -> None:
    text = text_of(a_page(a_ground(timed=False)))

    assert "80 customers · a random split" in text
    assert "The split was random, for the purchases have no times" in text
    assert "2026" not in text


def test_a_short_window_is_called_short() -> None:
    ground = a_ground()

    text = text_of(a_page(a_ground(until_ms=ground.start_ms + 7 * 86_400_000)))

    assert "The window of 7 days is short" in text


def test_a_wholesalers_order_does_not_fill_the_page() -> None:
    items = [f"item-{number}" for number in range(30)]
    ground = a_ground(
        1,
        histories=histories(items, {"anna": a_history((0, items))}),
        item_ids=IdTable(items),
        truths=[a_truth(range(30))],
        popularity=np.ones(30, dtype=np.float32),
        category=np.zeros(30, dtype=np.int32),
    )

    text = text_of(a_page(ground, [the_same_list(ground, 0, name="one")]))

    # Once for the order of the past, once for what was bought again.
    assert text.count("and 18 more") == 2
