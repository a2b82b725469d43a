"""The database, the cache, the model and the keys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from engine.domain.addresses import is_loopback
from engine.domain.events import to_ms
from engine.errors import EngineError, ModelUnavailable
from engine.settings import Settings
from engine.store.api_keys import SqlApiKeys
from engine.store.database import SQLITE, Database
from engine.store.inspection import DatabaseFacts, RedisFacts, inspect_database, inspect_redis
from training.doctor.finding import Finding, error, fine, warning
from training.wiring import live_version, model_store

SLOW_COMMIT = 0.02
SLOW_PING = 0.005
# Events are dated by the API's clock and judged by the database's only where they meet.
MOST_SKEW = timedelta(seconds=2)
LEAST_REDIS = 7
OLD_MODEL = timedelta(days=7)


def database(settings: Settings) -> Iterator[Finding]:
    """Whether the truth is there, current, safe and quick; and the keys in it."""
    began = datetime.now(UTC)
    try:
        facts = inspect_database(settings.database)
    except EngineError as problem:
        remedy = "see that it runs, that database_url names it and that this user may use it"
        if "upgrade regulars" in str(problem):
            remedy = "run the version of Regulars that wrote it, or a newer one"
        yield error("database", str(problem), remedy)
        return
    if facts is None:
        yield fine("database", "none yet; `regulars ingest` or `regulars serve` makes it")
        return
    yield _tables(facts)
    if facts.dialect == SQLITE:
        yield _journal(facts)
    yield _commit(facts)
    if facts.clock is not None:
        yield _clock(facts.clock, began=began, ended=datetime.now(UTC))
    if facts.tables_current:
        yield _keys(settings)


def cache(settings: Settings) -> Iterator[Finding]:
    """Whether the Redis that is named is there and set up to be a cache."""
    if settings.redis_url is None:
        yield fine("cache", "the embedded Valkey, which `regulars serve` starts and stops")
        return
    try:
        facts = inspect_redis(settings.redis_url)
    except EngineError as problem:
        remedy = "start it, or correct redis_url; until then every list is computed"
        yield error("cache", str(problem), remedy)
        return
    yield _redis_version(facts)
    yield _memory(facts)
    yield _ping(facts)


def model(settings: Settings) -> Iterator[Finding]:
    """Whether a model is live, whole and not too old."""
    store = model_store(settings)
    try:
        version = live_version(store)
    except ModelUnavailable as problem:
        yield warning("model", str(problem), "everyone sees best sellers until one is live")
        return
    try:
        store.load(version)
        born = datetime.fromisoformat(store.manifest(version).created_at)
    except (ModelUnavailable, ValueError) as problem:
        yield error("model", str(problem), "run `regulars models rollback`, or `regulars train`")
        return
    age = datetime.now(UTC) - born
    told = f"{version} is live, whole and {_days(age)} old"
    if age > OLD_MODEL:
        yield warning("model", told, "train every day or so: ops/systemd/regulars-train.timer")
    else:
        yield fine("model", told)


def _tables(facts: DatabaseFacts) -> Finding:
    if facts.tables_current:
        return fine("database", f"{facts.name} answers, its tables are current")
    told = f"{facts.name} has no tables of this version yet"
    return warning("database", told, "the next `regulars serve` or ingest brings them up to date")


def _journal(facts: DatabaseFacts) -> Finding:
    if facts.journal == "wal":
        return fine("journal", "write-ahead log: readers do not wait for writers")
    remedy = "move the home to a local disk; SQLite cannot keep a write-ahead log on this one"
    return error("journal", f"journal mode {facts.journal}", remedy)


def _commit(facts: DatabaseFacts) -> Finding:
    seconds = facts.commit_seconds
    if seconds is None:
        told = "a durable write could not be tried"
        return warning("durable write", told, "see that this user may write beside the database")
    told = f"{seconds * 1000:.2f} ms until the disk is sure"
    if seconds > SLOW_COMMIT:
        remedy = "use a disk with a faster flush, an SSD say; every event waits for it"
        return warning("durable write", told, remedy)
    return fine("durable write", told)


def _clock(clock: datetime, *, began: datetime, ended: datetime) -> Finding:
    """The answer was written somewhere between beginning and end."""
    skew = max(began - clock, clock - ended, timedelta(0))
    if skew > MOST_SKEW:
        told = f"the database's differs by {skew.total_seconds():.1f} s"
        return error("clock", told, "keep both machines' clocks with NTP: chronyc tracking")
    return fine("clock", "agrees with the database's")


def _keys(settings: Settings) -> Finding:
    opened = Database.open(settings.database)
    try:
        keys = SqlApiKeys(opened).all()
    except EngineError as problem:
        return error("keys", str(problem), "see that the database answers")
    finally:
        opened.close()
    now_ms = to_ms(datetime.now(UTC))
    usable = sum(key.usable(now_ms) for key in keys)
    if not usable and not is_loopback(settings.host):
        told = f"none that can be used, and {settings.host} can be reached by others"
        return error("keys", told, "make one: regulars keys create --kind secret")
    if not usable:
        return fine("keys", "none; the server answers this machine alone")
    return fine("keys", f"{usable} can be used")


def _redis_version(facts: RedisFacts) -> Finding:
    if int(facts.version.partition(".")[0]) < LEAST_REDIS:
        told = f"version {facts.version}"
        return warning("cache", told, f"Regulars is tested with {LEAST_REDIS}.0 and later: upgrade")
    return fine("cache", f"version {facts.version} answers")


def _memory(facts: RedisFacts) -> Finding:
    if facts.max_memory and facts.policy == "noeviction":
        told = f"refuses writes at {facts.max_memory / 1e6:.0f} MB (noeviction)"
        remedy = "let it make room: CONFIG SET maxmemory-policy allkeys-lru; it is only a cache"
        return warning("cache memory", told, remedy)
    if not facts.max_memory:
        remedy = "set maxmemory and maxmemory-policy allkeys-lru, so that it leaves room for others"
        return warning("cache memory", "may take all memory there is", remedy)
    told = f"at most {facts.max_memory / 1e6:.0f} MB, then {facts.policy}"
    return fine("cache memory", told)


def _ping(facts: RedisFacts) -> Finding:
    told = f"{facts.ping_seconds * 1000:.2f} ms an answer"
    if facts.ping_seconds > SLOW_PING:
        return warning("cache speed", told, "run it nearer: every cached list waits for it once")
    return fine("cache speed", told)


def _days(age: timedelta) -> str:
    return f"{age.days} days" if age.days != 1 else "1 day"
