"""API keys and the secrets of customer tokens in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Connection, Row, bindparam, or_, select, text, update

from engine.domain.customer_tokens import TokenSecret
from engine.domain.keys import KeyKind, StoredKey
from engine.errors import KeyUnknown
from engine.store.database import Database
from engine.store.rows import upsert
from engine.store.tables import api_keys, shop

REVISION = "api_keys_revision"
TOKEN_SECRETS = "customer_token_secrets"  # noqa: S105 - the name of a row


class SqlApiKeys:
    """Keys in a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def revision(self) -> int:
        """A number that grows whenever a key or a secret of tokens changes."""
        with self._database.read() as connection:
            return int(_kept(connection, REVISION) or 0)

    def all(self) -> list[StoredKey]:
        """Every key that was ever made, oldest first."""
        with self._database.read() as connection:
            return _keys(connection)

    def add(self, key: StoredKey) -> None:
        """Keep a new key."""
        with self._database.write() as connection:
            _add(connection, key)
            _step(connection)

    def revoke(self, key_id: str, *, now_ms: int) -> StoredKey:
        """End a key at once, unless that was done before; the key. KeyUnknown without one."""
        with self._database.write() as connection:
            key = _held(connection, key_id)
            if key.revoked_ms is not None:
                return key
            ended = replace(key, revoked_ms=now_ms)
            _end(connection, ended)
            _step(connection)
        return ended

    def succeed(self, key_id: str, successor: StoredKey, *, until_ms: int) -> StoredKey:
        """Keep a successor and let the old key end then, both or neither; the old key.

        Raises KeyUnknown also for a key that has ended: nothing is left to hand over.
        """
        with self._database.write() as connection:
            key = _held(connection, key_id)
            if not key.usable(successor.created_ms):
                raise KeyUnknown(f"key {key_id} has ended; make a new one: regulars keys create")
            ends = until_ms if key.expires_ms is None else min(until_ms, key.expires_ms)
            old = replace(key, expires_ms=ends)
            _end(connection, old)
            _add(connection, successor)
            _step(connection)
        return old

    def touch(self, used: Mapping[str, int]) -> None:
        """Note when keys were last used, in ms; a power cut may lose the last notes."""
        if not used:
            return
        own = api_keys.c
        at = bindparam("at_ms", type_=BigInteger)
        later = update(api_keys).where(
            own.key_id == bindparam("used_id"),
            or_(own.last_used_ms.is_(None), own.last_used_ms < at),
        )
        # In one order everywhere, so that two workers never wait for each other.
        rows = [{"used_id": key_id, "at_ms": used[key_id]} for key_id in sorted(used)]
        with self._database.write_lazily() as connection:
            connection.execute(later.values(last_used_ms=at), rows)

    def token_secrets(self) -> list[TokenSecret]:
        """What tokens are signed with, oldest first; empty before the first need."""
        with self._database.read() as connection:
            return _decoded(_kept(connection, TOKEN_SECRETS))

    def need_token_secret(self, secret: str, *, now_ms: int) -> list[TokenSecret]:
        """What tokens are signed with; the given secret when there was none."""
        found = self.token_secrets()
        if found:
            return found
        with self._database.write() as connection:
            found = _held_secrets(connection) or [TokenSecret(secret, now_ms)]
            _write_secrets(connection, found)
        return found

    def renew_token_secret(self, secret: str, *, now_ms: int, until_ms: int) -> list[TokenSecret]:
        """Sign with another secret from now on, and accept the ones before until then at most."""
        with self._database.write() as connection:
            before = [
                replace(each, until_ms=min(each.until_ms or until_ms, until_ms))
                for each in _held_secrets(connection)
            ]
            valid = [each for each in before if (each.until_ms or 0) > now_ms]
            secrets = [*valid, TokenSecret(secret, now_ms)]
            _write_secrets(connection, secrets)
        return secrets


def _kept(connection: Connection, name: str) -> str | None:
    return connection.scalar(select(shop.c.value).where(shop.c.name == name))


def _keys(connection: Connection) -> list[StoredKey]:
    rows = connection.execute(select(api_keys).order_by(api_keys.c.created_ms, api_keys.c.key_id))
    return [_key(row) for row in rows]


def _key(row: Row[Any]) -> StoredKey:
    values: dict[str, Any] = {**row._mapping}
    return StoredKey(**values | {"kind": KeyKind(row.kind), "digest": bytes(row.digest)})


def _held(connection: Connection, key_id: str) -> StoredKey:
    asked = select(api_keys).where(api_keys.c.key_id == key_id).with_for_update()
    row = connection.execute(asked).first()
    if row is None:
        raise KeyUnknown(f"there is no key {key_id[:40]!r}; `regulars keys list` shows them")
    return _key(row)


def _add(connection: Connection, key: StoredKey) -> None:
    connection.execute(api_keys.insert().values(**asdict(key) | {"kind": key.kind.value}))


def _end(connection: Connection, key: StoredKey) -> None:
    connection.execute(
        update(api_keys)
        .where(api_keys.c.key_id == key.key_id)
        .values(expires_ms=key.expires_ms, revoked_ms=key.revoked_ms)
    )


def _step(connection: Connection) -> None:
    """Count one more change, so that every worker reads the keys again.

    In one statement: two changes at once are two.
    """
    connection.execute(
        text(
            "INSERT INTO shop (name, value) VALUES (:name, '1') ON CONFLICT (name) "
            "DO UPDATE SET value = CAST(CAST(shop.value AS BIGINT) + 1 AS TEXT)"
        ),
        {"name": REVISION},
    )


def _held_secrets(connection: Connection) -> list[TokenSecret]:
    # PostgreSQL holds only rows that are there.
    connection.execute(
        upsert(connection, shop).values(name=TOKEN_SECRETS, value="[]").on_conflict_do_nothing()
    )
    asked = select(shop.c.value).where(shop.c.name == TOKEN_SECRETS).with_for_update()
    return _decoded(connection.scalar(asked))


def _decoded(value: str | None) -> list[TokenSecret]:
    return msgspec.json.decode(value, type=list[TokenSecret]) if value else []


def _write_secrets(connection: Connection, secrets: list[TokenSecret]) -> None:
    value = msgspec.json.encode(secrets).decode()
    connection.execute(update(shop).where(shop.c.name == TOKEN_SECRETS).values(value=value))
    _step(connection)
