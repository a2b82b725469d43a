"""Contests: who wins, how sure that is, what is said of it, what is refused."""

from __future__ import annotations

from io import StringIO
from math import log2

import msgspec
import numpy as np
import pytest
from rich.console import Console

from tests.builders import a_history, histories
from tests.contests import (
    ITEMS,
    a_ground,
    a_truth,
    an_evaluation,
    positions,
    some_contenders,
    the_same_list,
)
from training.evaluation.console import print_evaluation, verdict_lines
from training.evaluation.contenders import Contender, ContestRefused, Role
from training.evaluation.groups import by_activity, by_label
from training.evaluation.judge import Judging
from training.evaluation.metrics import ALL, EXPLORE, NDCG_WHOLE, RECALL, REPEAT
from training.evaluation.results import BETTER, SAME, UNCLEAR, WORSE, Difference, Evaluation
from training.evaluation.wording import caveat, figure, gap, headline, listed, verdict


def a_difference(value: float, low: float | None, high: float | None) -> Difference:
    return Difference("other", "ndcg", ALL, value, low, high, 0.1, 1315)


def printed(evaluation: Evaluation) -> str:
    out = StringIO()
    print_evaluation(Console(file=out, width=80), evaluation)
    return out.getvalue()


def test_the_quality_of_each_is_the_mean_over_customers() -> None:
    evaluation = an_evaluation()

    # Half of them bought apples alone, found on top; half also figs, found on the second place.
    trial, live, _ = evaluation.results
    assert trial.quality[ALL]["ndcg"] == pytest.approx(1.0)
    assert live.quality[ALL]["ndcg"] == pytest.approx((1 + 1 / (1 + 1 / log2(3))) / 2)
    assert live.quality[EXPLORE][RECALL] == 0.0
    assert evaluation.customers == {ALL: 80, REPEAT: 80, EXPLORE: 40}
    assert live.recall_by_rank == pytest.approx([0.75, 0.75, 0.75])
    assert live.beyond["coverage"] == 3 / 8


def test_the_ground_in_numbers() -> None:
    facts = an_evaluation().facts

    assert (facts.customers, facts.items, facts.bought) == (80, 8, 1.5)
    assert facts.repeat_share == pytest.approx(2 / 3)
    assert facts.unseen_share == 0.0


def test_the_first_is_compared_with_every_other_and_the_difference_is_that_of_the_means() -> None:
    evaluation = an_evaluation()

    found = evaluation.difference("v1")
    assert found is not None
    lost = 1 / log2(3) / (1 + 1 / log2(3))
    assert found.value == pytest.approx(lost / 2)
    # Half of 80 lose it: theory says a standard deviation of lost / 2 / sqrt(80).
    assert found.low == pytest.approx(lost / 2 - 1.96 * lost / 2 / np.sqrt(80), rel=0.1)
    assert found.outcome == BETTER
    assert {each.against for each in evaluation.differences} == {"v1", "popularity"}


def test_groups_are_compared_with_wider_intervals_that_hold_together() -> None:
    evaluation = an_evaluation(config=Judging(resamples=4000))

    whole = an_evaluation(a_ground(groups={}), config=Judging(resamples=4000))
    light, heavy = evaluation.by_group("v1")
    overall = whole.difference("v1")
    assert (light.group, heavy.group, light.customers, light.family) == ("light", "heavy", 40, 2)
    assert overall is not None and None not in (overall.low, overall.high, light.low, light.high)
    # Half the customers: sqrt(2) as wide; two groups at once: 2.24 deviations instead of 1.96.
    ratio = (light.high - light.low) / (overall.high - overall.low)  # type: ignore[operator]
    assert ratio == pytest.approx(np.sqrt(2) * 2.2414 / 1.96, rel=0.12)
    assert evaluation.results[1].groups["activity"]["light"]["recall"] == pytest.approx(0.75)


def test_too_few_customers_get_no_interval() -> None:
    evaluation = an_evaluation(a_ground(20))

    found = evaluation.difference("v1")
    assert found is not None
    assert (found.low, found.high, found.outcome) == (None, None, UNCLEAR)
    assert evaluation.first.leading.low is None
    assert verdict(evaluation, found) == "too few to tell: 20 customers"
    assert "20 customers are too few to tell v2 and v1" in headline(evaluation)


def test_equal_lists_make_no_difference_at_all() -> None:
    ground = a_ground()

    evaluation = an_evaluation(
        ground, [the_same_list(ground, 0, 1, name="v2"), the_same_list(ground, 0, 1, name="v1")]
    )

    found = evaluation.difference("v1")
    assert found is not None and found.outcome == SAME
    assert "the same nDCG for every customer" in verdict(evaluation, found)
    assert headline(evaluation).startswith("v2 and v1 serve every customer equally well")


def test_the_same_seed_gives_the_same_evaluation() -> None:
    assert an_evaluation() == an_evaluation()


def test_the_order_of_the_others_changes_no_number_of_theirs() -> None:
    ground = a_ground()
    first, *others = some_contenders(ground)

    one, other = an_evaluation(ground), an_evaluation(ground, [first, *reversed(others)])

    assert one.difference("v1") == other.difference("v1")
    assert one.results[1] == other.results[2]


def test_an_evaluation_survives_json() -> None:
    evaluation = an_evaluation(a_ground(customers=3))

    assert msgspec.json.decode(msgspec.json.encode(evaluation), type=Evaluation) == evaluation


def test_the_whole_basket_may_decide() -> None:
    evaluation = an_evaluation(limit=1, config=Judging(metric=NDCG_WHOLE, resamples=200))

    expected = (1 + 1 / (1 + 1 / log2(3))) / 2
    assert evaluation.score(evaluation.first) == pytest.approx(expected)
    assert "nDCG, whole basket@1" in headline(evaluation)


def test_one_contender_alone_is_measured() -> None:
    ground = a_ground()

    evaluation = an_evaluation(ground, some_contenders(ground)[:1])

    assert evaluation.differences == []
    assert "nothing to compare it with" in headline(evaluation)
    assert caveat(evaluation) == ""


def test_a_window_in_which_nobody_bought_is_no_error() -> None:
    ground = a_ground(0, groups={})

    evaluation = an_evaluation(ground)

    assert evaluation.facts.bought is None
    assert evaluation.first.quality[ALL]["ndcg"] is None
    assert "too few" in printed(evaluation)


def test_the_yardstick_is_the_live_model_and_otherwise_the_strongest() -> None:
    ground = a_ground()
    contenders = some_contenders(ground)

    with_live = an_evaluation(ground, [contenders[2], contenders[1], contenders[0]])
    without = an_evaluation(
        ground, [contenders[2], the_same_list(ground, 3, name="x"), contenders[0]]
    )

    assert with_live.yardstick is not None and with_live.yardstick.name == "v1"
    assert without.yardstick is not None and without.yardstick.name == "v2"


@pytest.mark.parametrize(
    ("lists", "reason"),
    [
        ([positions(0)] * 79, "79 lists for 80 customers"),
        ([positions(0, 8)] * 80, "position 8 is not in the catalogue of 8 items"),
        ([positions(-1)] * 80, "position -1 is not in the catalogue"),
        ([positions(2, 1, 2)] * 80, "position 2 is twice in the list of row 0"),
    ],
)
def test_lists_that_do_not_fit_are_refused(lists: list[np.ndarray], reason: str) -> None:
    ground = a_ground()

    with pytest.raises(ContestRefused, match=f"odd.*{reason}"):
        an_evaluation(ground, [Contender("odd", lists)])


def test_nobody_and_two_of_one_name_are_refused() -> None:
    ground = a_ground()

    with pytest.raises(ContestRefused, match="nobody to compare"):
        an_evaluation(ground, [])
    with pytest.raises(ContestRefused, match="two contenders are called 'same'"):
        an_evaluation(ground, [the_same_list(ground, 0)] * 2)


@pytest.mark.parametrize(
    ("difference", "outcome", "words"),
    [
        (
            a_difference(0.012, 0.008, 0.016),
            BETTER,
            "better: +.012 nDCG, 95% interval +.008 to +.016",
        ),
        (
            a_difference(-0.012, -0.016, -0.008),
            WORSE,
            "worse: −.012 nDCG, 95% interval −.016 to −.008",
        ),
        (
            a_difference(0.002, -0.003, 0.007),
            UNCLEAR,
            "no difference that these 1,315 customers can show: +.002 nDCG, 95% interval −.003 to "
            "+.007",
        ),
        (
            a_difference(0.002, 0.0003, 0.004),
            BETTER,
            "better: +.0020 nDCG, 95% interval +.0003 to +.0040",
        ),
        (a_difference(0.0, 0.0, 0.0), SAME, "no difference: the same nDCG for every customer"),
    ],
)
def test_a_verdict_says_how_much_and_how_sure(
    difference: Difference, outcome: str, words: str
) -> None:
    assert difference.outcome == outcome
    assert verdict(an_evaluation(), difference) == words


def test_the_headline_names_the_winner_the_size_and_the_bounds() -> None:
    words = headline(an_evaluation())

    # The mean of the live one is (1 + .613) / 2.
    assert words.startswith(
        "v2 is better than v1, the live model and the strongest of the others: nDCG@3 1.000 "
        "against .807, 24% more. The difference lies with 95% confidence between +.1"
    )


def test_a_live_model_that_is_not_the_strongest_gets_a_sentence_of_its_own() -> None:
    ground = a_ground()
    trial, live, weak = some_contenders(ground)
    live, strong = Contender(weak.name, live.lists), Contender("v1", weak.lists, role=Role.CHAMPION)

    words = headline(an_evaluation(ground, [trial, live, strong]))

    assert "Against the live model v1: better: +" in words


def test_where_it_is_worse_is_said_first_by_the_largest_loss() -> None:
    ground = a_ground()
    trial, live, weak = some_contenders(ground)

    words = caveat(an_evaluation(ground, [live, trial, weak]))

    assert "overall (−.193 nDCG@3 against v2, " in words
    assert "at new items (−.631 nDCG@3 against v2, " in words
    assert "and behind popularity too)" in words
    assert "for light customers (" in words


def test_nothing_worse_is_said_too() -> None:
    assert caveat(an_evaluation()).startswith("Nothing looked at")


def test_the_terminal_shows_names_numbers_and_verdicts_in_80_columns() -> None:
    text = printed(an_evaluation())

    assert max(len(line) for line in text.splitlines()) <= 80
    for words in ("v2", "v1", "popularity", "1.000 1.000", "Quality at 3, 80 customers"):
        assert words in text


def test_the_terminal_has_a_verdict_against_each_other() -> None:
    lines = list(verdict_lines(an_evaluation()))

    assert [line.split(":")[0] for line in lines] == ["Against v1", "Against popularity"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.387, ".387"),
        (1.0, "1.000"),
        (-0.0004, ".000"),
        (-0.25, "−.250"),
        (None, "–"),
        (0, ".000"),
    ],
)
def test_numbers_are_written_as_in_tables(value: float | None, shown: str) -> None:
    assert figure(value) == shown


def test_a_difference_has_its_sign() -> None:
    assert (gap(0.012), gap(-0.012), gap(0.0), gap(None)) == ("+.012", "−.012", ".000", "–")


def test_names_are_listed_as_in_a_sentence() -> None:
    assert [listed(["a", "b", "c"][:count]) for count in range(4)] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_activity_is_by_orders_and_not_by_lines() -> None:
    past = histories(
        ITEMS,
        {
            "many lines": a_history((0, ITEMS)),
            "two": a_history((0, ["apple"]), (1, ["apple"])),
            "five": a_history(*((day, ["apple", "bread"]) for day in range(5))),
            "none": (),
        },
    )

    groups = by_activity(past)

    assert {name: np.flatnonzero(mask).tolist() for name, mask in groups.items()} == {
        "new": [0, 3],
        "light": [1],
        "heavy": [2],
    }


def test_labels_become_groups_in_the_given_order_and_nobody_is_in_an_unknown_one() -> None:
    groups = by_label(["b", None, "a", "b"], order=["a", "b", "c"])

    assert {name: mask.tolist() for name, mask in groups.items()} == {
        "a": [False, False, True, False],
        "b": [True, False, False, True],
    }


def test_unseen_items_lower_everybodys_recall() -> None:
    ground = a_ground(40, truths=[a_truth([0], unseen=1)] * 40)

    evaluation = an_evaluation(ground)

    assert evaluation.first.quality[ALL][RECALL] == 0.5
    assert evaluation.facts.unseen_share == 0.5
