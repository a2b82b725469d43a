"""The configuration: one frozen object, read once from a file and the environment."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import msgspec

from engine.domain.keys import KeyKind
from engine.domain.rates import Rate
from engine.errors import SettingsError
from engine.recommend.control.config import Control, problems_of

PREFIX = "REGULARS_"
CONFIG_NAME = "regulars.toml"
OFF = "off"
# Of one address: a busy office behind one, not a program that tries things out.
PER_ADDRESS = Rate(1_200, 60)
# REGULARS_CONFIG names the file itself, so it is no key within it.
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Settings:
    """Everything that can be set, with defaults that work on a laptop.

    `database_url` and `redis_url` None mean the embedded SQLite and Valkey under `home`;
    `models_url` None means the folder `models` there. `control` is the file's table `[control]`:
    it has no variable.
    """

    home: Path = Path(".regulars")
    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    models_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 2
    threads: int = 16
    cache_ttl: timedelta = timedelta(hours=1)
    cooldown: timedelta = timedelta(days=1)
    rfm_window: timedelta = timedelta(days=365)
    max_body_bytes: int = 5_000_000
    log_format: str = "auto"
    access_log: bool = True
    request_budget: timedelta = timedelta(seconds=0.5)
    worker_lifetime: timedelta = timedelta(0)
    worker_memory_mb: int = 0
    warm_customers: int = 0
    cors_origins: tuple[str, ...] = ()
    rate_limit_per_key: Rate | None = None
    rate_limit_per_address: Rate | None = PER_ADDRESS
    trusted_proxies: tuple[Network, ...] = ()
    storefront: bool = False
    storefront_key: str = ""
    control: Control = field(default_factory=Control)

    @classmethod
    def from_env(cls, environment: Mapping[str, str], *, folder: Path) -> Settings:
        """The settings of a TOML file in the folder, overridden by REGULARS_* variables.

        Raises SettingsError naming every unknown key and every bad value at once.
        """
        given = {
            **_from_file(environment.get(CONFIG_VARIABLE), folder=folder),
            **_from_variables(environment),
        }
        values, problems = _read(given)
        if problems:
            raise SettingsError("; ".join(problems))
        return cls(**values)

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the truth."""
        if self.database_url is None:
            return f"sqlite:///{(self.home / 'regulars.db').absolute()}"
        scheme, separator, rest = self.database_url.partition("://")
        # Both common spellings of PostgreSQL mean the one driver that is installed.
        driver = "postgresql+psycopg" if scheme in ("postgres", "postgresql") else scheme
        return f"{driver}{separator}{rest}"

    @property
    def models_folder(self) -> Path:
        """The folder of the model versions."""
        if self.models_url is None:
            return self.home / "models"
        return Path(self.models_url.removeprefix("file://"))


def _from_file(named: str | None, *, folder: Path) -> dict[str, tuple[str, Any]]:
    path = Path(named) if named else folder / CONFIG_NAME
    if not path.exists():
        if named:
            raise SettingsError(f"{CONFIG_VARIABLE}: there is no file {named}")
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{path}: {error}") from error
    return {key: (f"{path}: {key}", value) for key, value in content.items()}


def _from_variables(environment: Mapping[str, str]) -> dict[str, tuple[str, Any]]:
    return {
        name.removeprefix(PREFIX).lower(): (name, value)
        for name, value in environment.items()
        if name.startswith(PREFIX) and name != CONFIG_VARIABLE
    }


def _read(given: Mapping[str, tuple[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems: list[str] = []
    allowed = [each.name for each in fields(Settings)]
    for key, (label, raw) in given.items():
        if key not in allowed:
            problems.append(f"{label}: no such setting; allowed are {', '.join(allowed)}")
            continue
        try:
            values[key] = _READERS[key](raw)
        except (ValueError, TypeError, OverflowError) as error:
            problems.append(f"{label}: {error}")
    return values, problems


def _path(raw: object) -> Path:
    # A question mark would end the file's name in the database's URL.
    if not isinstance(raw, str) or not raw or "\0" in raw or "?" in raw:
        raise ValueError(f"{raw!r} is no path for a folder; it may not be empty or hold NUL or ?")
    try:
        return Path(raw).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{raw!r} names no user's folder; write the path out") from error


def _text(raw: object) -> str:
    if not isinstance(raw, str) or not raw:
        raise ValueError(f"{raw!r} is no text")
    return raw


def _models(raw: object) -> str:
    text = _text(raw)
    scheme = urlsplit(text).scheme
    if scheme not in ("", "file"):
        raise ValueError(f"{scheme}:// is not supported; give a folder or a file:// URL")
    return text


def _url(*schemes: str) -> Callable[[object], str]:
    def read(raw: object) -> str:
        text = _text(raw)
        if urlsplit(text).scheme not in schemes:
            # The value may hold a password: only its scheme is repeated.
            raise ValueError(
                f"a URL with the scheme {urlsplit(text).scheme or '(none)'!r} is not supported; "
                f"allowed are {', '.join(schemes)}"
            )
        return text

    return read


def _whole(low: int, high: int) -> Callable[[object], int]:
    def read(raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            raise ValueError(f"{raw!r} is no whole number")
        try:
            number = int(raw)
        except ValueError as error:
            raise ValueError(f"{raw!r} is no whole number from {low} to {high}") from error
        if not low <= number <= high:
            raise ValueError(f"{number} is not in {low} to {high}")
        return number

    return read


def _one_of(*words: str) -> Callable[[object], str]:
    def read(raw: object) -> str:
        if raw not in words:
            raise ValueError(f"{raw!r} is none of {', '.join(words)}")
        return str(raw)

    return read


def _publishable(raw: object) -> str:
    text = str(raw)
    if text and KeyKind.PUBLISHABLE not in text.split("_"):
        # Whatever it is, it may be a secret: a message never repeats it.
        raise ValueError("pages can be read by anybody; give a publishable key")
    return text


_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def _flag(raw: object) -> bool:
    text = str(raw).lower()
    if text not in _FLAGS:
        raise ValueError(f"{raw!r} is neither true nor false")
    return _FLAGS[text]


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _duration(raw: object) -> timedelta:
    text = str(raw).strip()
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not number.replace(".", "", 1).isdecimal():
        raise ValueError(f"{raw!r} is no duration; write a number and s, m, h or d, such as 1h")
    return timedelta(**{_UNITS[unit]: float(number)})


def _rate(raw: object) -> Rate | None:
    text = _text(raw)
    return None if text == OFF else Rate.parse(text)


def _several(raw: object) -> list[str]:
    """Texts in a list of the file, or separated by commas."""
    parts = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"{raw!r} is no list of texts")
    return [part.strip() for part in parts if part.strip()]


def _origins(raw: object) -> tuple[str, ...]:
    origins = tuple(_several(raw))
    for origin in origins:
        parts = urlsplit(origin)
        plain = f"{parts.scheme}://{parts.netloc}"
        if parts.scheme not in ("http", "https") or "@" in origin or plain.lower() != origin:
            raise ValueError(f"{origin!r} is no origin; write it as https://shop.example")
    return origins


def _networks(raw: object) -> tuple[Network, ...]:
    return tuple(ip_network(each) for each in _several(raw))


def _control(raw: object) -> Control:
    if not isinstance(raw, dict):
        raise ValueError(f"control is a table of {CONFIG_NAME}: write [control] there")
    try:
        control = msgspec.convert(raw, Control)
    except msgspec.ValidationError as error:
        raise ValueError(str(error).replace("`$.", "`")) from error
    problems = problems_of(control)
    if problems:
        raise ValueError("; ".join(problems))
    return control


_READERS: dict[str, Callable[[object], Any]] = {
    "home": _path,
    "database_url": _url("sqlite", "postgresql", "postgres", "postgresql+psycopg"),
    "redis_url": _url("redis", "rediss", "unix"),
    "models_url": _models,
    "host": _text,
    "port": _whole(0, 65535),
    "workers": _whole(1, 256),
    "threads": _whole(1, 256),
    "cache_ttl": _duration,
    "cooldown": _duration,
    "rfm_window": _duration,
    "max_body_bytes": _whole(1_000, 1_000_000_000),
    "log_format": _one_of("auto", "json", "text"),
    "access_log": _flag,
    "request_budget": _duration,
    "worker_lifetime": _duration,
    "worker_memory_mb": _whole(0, 1_000_000),
    "warm_customers": _whole(0, 1_000_000),
    "cors_origins": _origins,
    "rate_limit_per_key": _rate,
    "rate_limit_per_address": _rate,
    "trusted_proxies": _networks,
    "storefront": _flag,
    "storefront_key": _publishable,
    "control": _control,
}
