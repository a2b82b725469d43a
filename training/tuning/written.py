"""A configuration as a TOML file that `regulars train --config` reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import DataRefused
from training.config import TrainConfig

# A setting of the shop, which no file of this kind may hold.
_ELSEWHERE = "rfm_window"


def write_config(config: TrainConfig, path: Path, *, comments: list[str]) -> None:
    """Write what differs from the defaults; raises DataRefused where that cannot be written."""
    try:
        path.write_text(toml_of(config, comments=comments), encoding="utf-8")
    except OSError as error:
        raise DataRefused(f"cannot be written: {error.strerror}", source=str(path)) from error


def toml_of(config: TrainConfig, *, comments: list[str]) -> str:
    """The tables [train] and [loyalty] with what differs from the defaults, comments first."""
    own = _difference(msgspec.to_builtins(config), msgspec.to_builtins(TrainConfig()))
    loyalty = own.pop("loyalty", {})
    loyalty.pop(_ELSEWHERE, None)
    lines = [f"# {each}" for each in comments]
    lines += _table("train", own)
    if loyalty:
        lines += _table("loyalty", loyalty)
    return "\n".join(lines) + "\n"


def _difference(own: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in own.items():
        other = usual.get(name)
        if isinstance(value, dict) and isinstance(other, dict):
            inner = _difference(value, other)
            if inner:
                found[name] = inner
        elif value != other:
            found[name] = value
    return found


def _table(name: str, content: Mapping[str, Any]) -> Iterator[str]:
    yield f"\n[{name}]"
    inner = {key: value for key, value in content.items() if isinstance(value, dict)}
    for key, value in content.items():
        # A value that is not there is not written: TOML has none for it.
        if key not in inner and value is not None:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in inner.items():
        yield from _table(f"{name}.{_key(key)}", value)


def _key(text: str) -> str:
    plain = text.replace("_", "").replace("-", "")
    return text if plain.isascii() and plain.isalnum() else json.dumps(text)


def _value(value: Any) -> str:  # noqa: ANN401 - whatever a configuration holds
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(own)}" for key, own in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    # Numbers, truth values and texts are written in TOML as they are in JSON.
    return json.dumps(value)
