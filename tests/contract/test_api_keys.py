"""Keys and token secrets in the database, SQLite and PostgreSQL alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from secrets import token_bytes

import pytest
from sqlalchemy import select

from engine.domain.customer_tokens import TokenSecret
from engine.domain.keys import KeyKind, NewKey, new_key
from engine.errors import KeyUnknown
from engine.store.api_keys import SqlApiKeys
from engine.store.database import Database
from engine.store.tables import api_keys, shop


def a_key(kind: KeyKind = KeyKind.SECRET, *, now_ms: int = 1_000) -> NewKey:
    return new_key(kind, "shop", rng=token_bytes, now_ms=now_ms)


def test_a_key_comes_back_as_it_was_kept_and_without_what_opens(database: Database):
    keys = SqlApiKeys(database)
    made = a_key()

    keys.add(made.stored)

    assert keys.all() == [made.stored]
    secret = made.text.split("_")[3]
    with database.read() as connection:
        assert secret not in str(connection.execute(select(api_keys)).all())


def test_every_change_of_the_keys_raises_the_revision(database: Database):
    keys = SqlApiKeys(database)
    seen = [keys.revision()]
    first, second = a_key(), a_key(now_ms=2_000)

    keys.add(first.stored)
    seen.append(keys.revision())
    keys.succeed(first.stored.key_id, second.stored, until_ms=9_000)
    seen.append(keys.revision())
    keys.revoke(first.stored.key_id, now_ms=3_000)
    seen.append(keys.revision())
    keys.need_token_secret("a", now_ms=3_000)
    seen.append(keys.revision())
    keys.renew_token_secret("b", now_ms=4_000, until_ms=5_000)
    seen.append(keys.revision())
    keys.touch({first.stored.key_id: 5_000})
    keys.need_token_secret("c", now_ms=5_000)
    seen.append(keys.revision())

    assert seen == [0, 1, 2, 3, 4, 5, 5]


def test_a_rotation_lets_both_keys_open_until_the_overlap_ends(database: Database):
    keys = SqlApiKeys(database)
    old, successor = a_key(), a_key(now_ms=2_000)
    keys.add(old.stored)

    keys.succeed(old.stored.key_id, successor.stored, until_ms=5_000)

    kept = {key.key_id: key for key in keys.all()}
    before, after = kept[old.stored.key_id], kept[successor.stored.key_id]
    assert [before.usable(at) for at in (4_999, 5_000)] == [True, False]
    assert after.usable(5_000)


def test_a_key_that_ends_sooner_than_the_overlap_still_does(database: Database):
    keys = SqlApiKeys(database)
    old = replace(a_key().stored, expires_ms=3_000)
    keys.add(old)

    kept = keys.succeed(old.key_id, a_key(now_ms=2_000).stored, until_ms=5_000)

    assert kept.expires_ms == 3_000


def test_what_is_not_there_or_has_ended_cannot_be_revoked_or_handed_over(database: Database):
    keys = SqlApiKeys(database)
    made = a_key()
    keys.add(made.stored)
    keys.revoke(made.stored.key_id, now_ms=1_500)

    with pytest.raises(KeyUnknown, match="keys list"):
        keys.revoke("nobody", now_ms=2_000)
    with pytest.raises(KeyUnknown, match="has ended"):
        keys.succeed(made.stored.key_id, a_key(now_ms=2_000).stored, until_ms=5_000)
    again = keys.revoke(made.stored.key_id, now_ms=2_000)
    assert again.revoked_ms == 1_500
    assert len(keys.all()) == 1


def test_the_last_use_never_goes_back(database: Database):
    keys = SqlApiKeys(database)
    made = a_key()
    keys.add(made.stored)

    keys.touch({made.stored.key_id: 5_000, "gone": 5_000})
    keys.touch({made.stored.key_id: 4_000})

    assert keys.all()[0].last_used_ms == 5_000


def test_all_who_need_the_first_token_secret_at_once_get_the_same(database: Database):
    keys = SqlApiKeys(database)

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda i: keys.need_token_secret(f"s{i}", now_ms=i), range(8)))

    assert all(secrets == got[0] for secrets in got)
    assert keys.token_secrets() == got[0]


def test_a_renewed_secret_leaves_the_older_ones_valid_for_as_long_as_told(database: Database):
    keys = SqlApiKeys(database)
    keys.need_token_secret("first", now_ms=0)

    keys.renew_token_secret("second", now_ms=1_000, until_ms=5_000)
    third = keys.renew_token_secret("third", now_ms=2_000, until_ms=9_000)
    last = keys.renew_token_secret("last", now_ms=6_000, until_ms=6_000)

    assert third == [
        TokenSecret("first", 0, 5_000),
        TokenSecret("second", 1_000, 9_000),
        TokenSecret("third", 2_000),
    ]
    # At once: nothing before it is accepted.
    assert last == [TokenSecret("last", 6_000)]
    with database.read() as connection:
        assert "first" not in str(connection.execute(select(shop)).all())
