"""Neighbouring customers: who is one, and what they say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from engine.domain.histories import DAY_MS, Histories, NetLine
from engine.domain.ids import IdTable
from engine.models import postings
from engine.models.neighbours import NeighbourCustomers, owners_of
from engine.models.pairs import Pairs, Weighed
from engine.models.postings import Postings
from engine.models.query import Query
from tests.builders import DAY_ZERO_MS, a_history, a_log, a_shop, histories
from training.fitting.neighbours import NeighboursConfig, fit_neighbours
from training.history import Purchases, purchases_before

ITEMS = ("apple", "bread", "cheese", "dates", "eggs")
UNTIL_MS = DAY_ZERO_MS + 100 * DAY_MS
NEVER = 1e9
# The plain cosine over counts of orders, such that a score can be worked out by hand.
PLAIN = NeighboursConfig(
    half_life_days=NEVER, trend_half_life_days=NEVER, rarity=0.0, asymmetry=0.5, fewest_items=1
)


def a_past(customers: Mapping[str, Sequence[NetLine]], items: Sequence[str] = ITEMS) -> Purchases:
    table = IdTable(items)
    return Purchases(
        customers=histories(table, customers),
        guests=histories(table, {}),
        items=table,
        until_ms=UNTIL_MS,
    )


def fitted(
    customers: Mapping[str, Sequence[NetLine]],
    config: NeighboursConfig = PLAIN,
    **changes: float,
) -> NeighbourCustomers:
    return fit_neighbours(a_past(customers), config=msgspec.structs.replace(config, **changes))


def about(customers: Mapping[str, Sequence[NetLine]]) -> Query:
    return Query(histories(ITEMS, customers), UNTIL_MS)


def of_items(model: NeighbourCustomers, *lines: NetLine, name: str = "asker") -> dict[str, float]:
    """The items with a score, and the score."""
    scores = model.score(about({name: lines})).dense()[0]
    return {ITEMS[item]: float(scores[item]) for item in np.flatnonzero(~np.isnan(scores))}


def bought(*items: str, day: float = 0) -> tuple[NetLine, ...]:
    return a_history((day, items))


@pytest.fixture(scope="module")
def shop() -> Purchases:
    return purchases_before(a_log(a_shop()), cut_ms=2**62)


@pytest.fixture(scope="module")
def model(shop: Purchases) -> NeighbourCustomers:
    return fit_neighbours(shop, config=NeighboursConfig(neighbours=10))


def test_a_score_is_the_mean_of_the_neighbours_orders_by_likeness() -> None:
    model = fitted({"ben": bought("apple", "bread"), "cleo": bought("apple", "bread", "cheese")})

    scores = of_items(model, *bought("apple"))

    # Cosines of (1) with (1, 1) and with (1, 1, 1).
    ben, cleo = 1 / np.sqrt(2), 1 / np.sqrt(3)
    expected = {"apple": 1.0, "bread": 1.0, "cheese": cleo / (ben + cleo)}
    assert scores == pytest.approx(expected, rel=1e-6)


def test_customers_who_share_no_item_are_no_neighbours() -> None:
    model = fitted({"ben": bought("apple", "bread"), "cleo": bought("dates", "eggs")})

    scores = of_items(model, *bought("apple"))

    assert set(scores) == {"apple", "bread"}


def test_only_the_nearest_are_heard() -> None:
    model = fitted(
        {"near": bought("apple", "bread"), "far": bought("apple", "cheese", "dates", "eggs")},
        neighbours=1,
    )

    scores = of_items(model, *bought("apple", "bread"))

    assert set(scores) == {"apple", "bread"}


def test_nobody_is_a_neighbour_of_their_own() -> None:
    model = fitted({"anna": bought("apple", "eggs"), "ben": bought("apple", "bread")})

    as_anna = of_items(model, *bought("apple", "eggs"), name="anna")
    as_a_stranger = of_items(model, *bought("apple", "eggs"), name="zoe")

    assert set(as_anna) == {"apple", "bread"}
    assert set(as_a_stranger) == {"apple", "bread", "eggs"}


def test_likeness_below_the_cosine_holds_length_against_a_neighbour() -> None:
    past = {"short": bought("apple", "bread"), "long": bought("apple", "cheese", "dates", "eggs")}

    scores = of_items(fitted(past, asymmetry=0.25), *bought("apple"))

    # 1 over the length, the root of 2 and of 4, to the power 2 (1 - 0.25).
    short, long = 2**-0.75, 4**-0.75
    assert scores["bread"] == pytest.approx(short / (short + long), rel=1e-6)
    assert scores["eggs"] == pytest.approx(long / (short + long), rel=1e-6)


def test_sharpness_raises_the_likeness_to_a_power() -> None:
    past = {"ben": bought("apple", "bread"), "cleo": bought("apple", "bread", "cheese")}

    scores = of_items(fitted(past, sharpness=2.0), *bought("apple"))

    assert scores["cheese"] == pytest.approx((1 / 3) / (1 / 2 + 1 / 3), rel=1e-6)


def test_the_faintest_likeness_is_heard_when_there_is_no_other() -> None:
    model = fitted({"ben": bought("apple", "eggs")}, half_life_days=1.0, sharpness=5.0)

    scores = of_items(model, *a_history((0, ["apple"]), (120, ["dates"])))

    # The apple weighs two to the power of -120, and its fifth power is no float32.
    assert scores == pytest.approx({"apple": 1.0, "eggs": 1.0})


def test_what_a_neighbour_bought_halves_with_every_half_life_of_the_trend() -> None:
    model = fitted({"ben": bought("apple", "bread", day=60)}, trend_half_life_days=20.0)

    scores = of_items(model, *bought("apple"))

    # Forty days before the end of the data.
    assert scores == pytest.approx({"apple": 0.25, "bread": 0.25}, rel=1e-6)


def test_habits_fade_from_the_customers_own_last_order() -> None:
    past = {"ben": bought("apple", "dates"), "cleo": bought("bread", "eggs")}
    model = fitted(past, half_life_days=10.0)

    scores = of_items(model, *a_history((20, ["apple"]), (30, ["bread"])))

    # An apple ten days before the bread speaks half as loud.
    assert scores["eggs"] == pytest.approx(2 * scores["dates"], rel=1e-6)


def test_a_rare_item_in_common_says_more_than_a_common_one() -> None:
    crowd = {f"c{number}": bought("bread", "cheese") for number in range(8)}
    past = {**crowd, "rare": bought("apple", "dates"), "common": bought("bread", "eggs")}

    scores = of_items(fitted(past, rarity=1.0, neighbours=10), *bought("apple", "bread"))

    assert scores["dates"] > scores["eggs"]


def test_an_item_everyone_buys_still_finds_neighbours() -> None:
    model = fitted({"ben": bought("apple"), "cleo": bought("apple")}, rarity=1.0)

    scores = of_items(model, *bought("apple"))

    assert scores == pytest.approx({"apple": 1.0})


def test_the_most_active_of_late_are_stored() -> None:
    past = {
        "once": bought("apple", "bread", day=90),
        "twice": a_history((80, ["apple"]), (90, ["cheese"])),
        "long ago": a_history((0, ["apple"]), (1, ["dates"]), (2, ["dates"])),
    }

    scores = of_items(fitted(past, stored=1, half_life_days=30.0), *bought("apple"))

    assert set(scores) == {"apple", "cheese"}


def test_customers_of_fewer_items_than_asked_for_are_not_stored() -> None:
    past = {"ben": bought("apple"), "cleo": bought("apple", "eggs")}

    model = fitted(past, fewest_items=2)

    assert model.arrays()["owner"].tolist() == owners_of(["cleo"]).tolist()


def test_the_heaviest_items_of_a_customer_are_stored() -> None:
    ben = a_history((0, ["apple"]), (1, ["apple", "bread"]), (2, ["apple", "bread", "eggs"]))

    scores = of_items(fitted({"ben": ben}, per_customer=2), *bought("apple"))

    assert scores == pytest.approx({"apple": 3.0, "bread": 2.0})


def test_an_item_finds_those_it_says_most_about() -> None:
    past = {"few": bought("apple", "bread"), "many": bought("apple", "cheese", "dates", "eggs")}

    scores = of_items(fitted(past, per_item=1), *bought("apple"))

    assert set(scores) == {"apple", "bread"}


def test_erased_customers_are_neighbours_no_more() -> None:
    past = {"ben": bought("apple", "bread"), "cleo": bought("apple", "cheese")}

    left = fitted(past).without(owners_of(["cleo", "nobody"]))

    assert of_items(left, *bought("apple")) == pytest.approx({"apple": 1.0, "bread": 1.0})


def test_nothing_of_an_erased_customer_is_left_in_the_arrays() -> None:
    past = {"ben": bought("apple", "bread"), "cleo": bought("apple", "cheese")}
    alone = fitted({"ben": bought("apple", "bread")}).arrays()

    left = fitted(past).without(owners_of(["cleo"])).arrays()

    for name in set(alone) - {"rarity"}:
        np.testing.assert_array_equal(left[name], alone[name])


def test_without_everyone_nothing_is_said() -> None:
    past = {"ben": bought("apple", "bread")}

    left = fitted(past).without(owners_of(["ben"]))

    assert of_items(left, *bought("apple")) == {}


def test_a_shop_without_customers_has_no_neighbours() -> None:
    assert of_items(fitted({}), *bought("apple")) == {}


def test_an_owner_number_is_a_hash_of_the_customers_id() -> None:
    owners = owners_of(["anna", "Zoë"])

    # What `b2sum -l 64` of GNU coreutils says, its bytes from the lowest to the highest.
    expected = [bytes.fromhex("d04474cc4b844a8c"), bytes.fromhex("789fb70695ef899a")]
    assert owners.dtype == np.uint64
    assert owners.tolist() == [int.from_bytes(each, "little") for each in expected]
    assert owners_of([]).shape == (0,)


def test_a_customer_without_history_gets_no_scores(model: NeighbourCustomers) -> None:
    nobody = Histories(("new",), *[np.zeros(size, np.int64) for size in (2, 0, 0, 0, 0, 0, 0)])

    scores = model.score(Query(nobody, UNTIL_MS))

    assert np.isnan(scores.dense()).all()


def test_unknown_items_change_nothing() -> None:
    model = fitted({"ben": bought("apple", "bread")})

    plain = of_items(model, *a_history((0, ["apple"]), (9, ["bread"])))
    mixed = of_items(model, *a_history((0, ["apple", "unheard-of"]), (9, ["bread"])))

    assert mixed == plain


def test_scores_are_the_same_alone_and_in_blocks(
    model: NeighbourCustomers, shop: Purchases, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = model.score(Query(shop.customers, shop.until_ms)).dense()

    alone = [
        model.score(Query(shop.customers.take([row]), shop.until_ms)).dense()[0]
        for row in range(len(shop.customers))
    ]
    monkeypatch.setattr(postings, "CELLS", 7 * len(shop.customers))
    in_blocks = model.score(Query(shop.customers, shop.until_ms)).dense()

    np.testing.assert_array_equal(np.stack(alone), together)
    np.testing.assert_array_equal(in_blocks, together)


def test_nobody_to_ask_about_is_no_error(model: NeighbourCustomers, shop: Purchases) -> None:
    scores = model.score(Query(shop.customers.take([]), shop.until_ms))

    assert scores.shape == (0, len(shop.items))


def test_scoring_leaves_model_and_histories_as_they_were(
    model: NeighbourCustomers, shop: Purchases
) -> None:
    before = {name: array.copy() for name, array in model.arrays().items()}
    given = {name: np.copy(value) for name, value in vars(shop.customers).items()}

    model.score(Query(shop.customers, shop.until_ms))

    for name, array in model.arrays().items():
        np.testing.assert_array_equal(array, before[name])
    for name, value in vars(shop.customers).items():
        np.testing.assert_array_equal(value, given[name])


def test_saved_and_restored_it_scores_the_same(model: NeighbourCustomers, shop: Purchases) -> None:
    for array in model.arrays().values():
        array.setflags(write=False)

    restored = NeighbourCustomers.restore(model.arrays(), json.loads(json.dumps(model.params())))

    query = Query(shop.customers, shop.until_ms)
    np.testing.assert_array_equal(restored.score(query).dense(), model.score(query).dense())


def test_the_arrays_hold_neither_float64_nor_a_customers_id(model: NeighbourCustomers) -> None:
    kinds = {array.dtype.str for array in model.arrays().values()}

    assert kinds <= {"<f4", "<i4", "<i8", "<u8"}


def test_the_order_of_customers_changes_no_array(shop: Purchases) -> None:
    config = NeighboursConfig(stored=40)
    turned = Purchases(
        customers=shop.customers.take(np.arange(len(shop.customers))[::-1]),
        guests=shop.guests,
        items=shop.items,
        until_ms=shop.until_ms,
    )

    one, other = (fit_neighbours(each, config=config).arrays() for each in (shop, turned))

    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])


def test_items_in_another_order_get_the_same_scores(shop: Purchases) -> None:
    config = NeighboursConfig(neighbours=5)
    place = np.random.default_rng(5).permutation(len(shop.items)).astype(np.int32)
    lines = {**vars(shop.customers), "item": place[shop.customers.item]}
    names = [shop.items[int(old)] for old in np.argsort(place)]
    other = Purchases(Histories(**lines), shop.guests, IdTable(names), shop.until_ms)

    plain, moved = (
        fit_neighbours(each, config=config).score(Query(each.customers, each.until_ms)).dense()
        for each in (shop, other)
    )

    np.testing.assert_array_equal(moved[:, place], plain)


def test_the_defaults_are_within_their_bounds() -> None:
    config = NeighboursConfig()

    assert set(NeighboursConfig.BOUNDS) == set(config.__struct_fields__)
    for name, (low, high) in NeighboursConfig.BOUNDS.items():
        assert low <= getattr(config, name) <= high


# A busy machine may take its time.
@given(
    seed=st.integers(0, 2**32 - 1),
    holders=st.integers(0, 150),
    most=st.integers(1, 12),
    share=st.sampled_from([0.02, 0.2, 0.9]),
)
def test_the_index_finds_whom_all_pairs_find(
    seed: int, holders: int, most: int, share: float
) -> None:
    rng = np.random.default_rng(seed)
    # Small whole numbers: sums are exact, and ties abound.
    held = _whole(rng, (holders, 8), share)
    asked = _whole(rng, (3, 8), share)
    apart = np.asarray([-1, holders - 1, -1])

    row, item = np.nonzero(asked)
    weights = Weighed(Pairs.of(row, item, customers=3), asked[row, item])

    near = Postings.of(sparse.csr_matrix(held), most=max(holders, 1)).nearest(
        weights, most=most, apart=apart
    )

    products = asked @ held.T
    products[1, apart[1] :] = 0
    for row, own in enumerate(products):
        best = np.lexsort((np.arange(holders), -own))[:most]
        expected = np.where(np.isin(np.arange(holders), best), own, 0)
        np.testing.assert_array_equal(near.matrix(columns=holders)[[row]].toarray()[0], expected)


def _whole(rng: np.random.Generator, shape: tuple[int, int], share: float) -> np.ndarray:
    return (rng.integers(1, 4, shape) * (rng.random(shape) < share)).astype(np.float32)
