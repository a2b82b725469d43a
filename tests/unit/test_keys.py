"""What a key and a token look like, and what is kept of them."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.customer_tokens import CustomerToken, TokenSigner, end_of, minted
from engine.domain.keys import SCOPES, KeyKind, Scope, digest_of, id_of, new_key
from engine.domain.rates import Rate
from engine.errors import RequestInvalid


def zeros(count: int) -> bytes:
    return bytes(count)


def test_a_key_says_its_kind_and_its_id_and_holds_32_random_bytes():
    made = new_key(KeyKind.SECRET, "shop", rng=zeros, now_ms=5)

    # Base 32 of 5 and of 32 bytes of nothing: an "a" for each 5 bits begun.
    assert made.text == "rk_secret_aaaaaaaa_" + "a" * 52
    assert made.stored.key_id == id_of(made.text) == "aaaaaaaa"
    assert made.stored.digest == hashlib.sha256(made.text.encode()).digest()
    assert made.text.split("_")[3] not in repr(made.stored)


@pytest.mark.parametrize("text", ["", "rk", "rk_a_b", "rk_a_b_c_d", "pk_secret_id_s", "____"])
def test_what_has_not_the_form_of_a_key_has_no_id(text: str):
    assert id_of(text) == ""


@given(st.text())
def test_any_text_has_a_digest(text: str):
    assert len(digest_of(text)) == 32


def test_a_page_may_neither_read_customers_nor_write_anything_of_worth():
    forbidden = {Scope.EVENTS, Scope.ITEMS_WRITE, Scope.CUSTOMERS_READ, Scope.CUSTOMER_LISTS}

    assert SCOPES[KeyKind.PUBLISHABLE].isdisjoint(forbidden | {Scope.TOKENS, Scope.ITEMS_READ})
    assert SCOPES[KeyKind.ADMIN] == frozenset(Scope)
    assert set(SCOPES) == set(KeyKind)


@given(st.text(min_size=1, max_size=200), st.integers(0, 2**40))
def test_a_token_is_read_back_as_it_was_signed_by_any_secret_still_known(customer: str, at: int):
    token = CustomerToken(customer, at)
    before, after = TokenSigner(["old"]), TokenSigner(["old", "new"])

    assert after.read(before.sign(token)) == token
    assert after.read(after.sign(token)) == token
    assert before.read(after.sign(token)) is None


@given(st.text(max_size=300))
def test_a_text_that_we_did_not_sign_is_no_token(text: str):
    assert TokenSigner(["secret"]).read(text) is None


def test_a_token_cannot_be_changed():
    token = minted("ann", timedelta(hours=1), secrets=["s"], now_ms=0)
    signer = TokenSigner(["s"])

    assert signer.read(token) == CustomerToken("ann", 3_600)
    for index in range(len(token)):
        other = "A" if token[index] != "A" else "B"
        changed = signer.read(token[:index] + other + token[index + 1 :])
        # The last letter carries bits that mean nothing: the signature is then the same one.
        assert changed is None or (index == len(token) - 1 and changed == signer.read(token))


@pytest.mark.parametrize("life", [timedelta(0), timedelta(days=8), timedelta(seconds=-5)])
def test_a_token_lives_a_second_to_a_week(life: timedelta):
    with pytest.raises(RequestInvalid, match="604800"):
        end_of(life, now_ms=0)


def test_a_rate_is_a_number_and_a_unit():
    assert Rate.parse("600/minute") == Rate(600, 60)
    assert str(Rate.parse("5/second")) == "5/second"
    for wrong in ("600", "0/minute", "-1/second", "1/day", " 1/second", "1 / second", "٣/second"):
        with pytest.raises(ValueError, match="600/minute"):
            Rate.parse(wrong)
