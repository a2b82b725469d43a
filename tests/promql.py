"""Just enough of PromQL's grammar to know which metrics and labels an expression names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<range>\[(?:\d+[smhdw]|\$__rate_interval|\$__interval)\])
      | (?P<duration>\d+[smhdw]\b)
      | (?P<number>\d+(?:\.\d+)?(?:e\d+)?)
      | (?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)
      | (?P<match>=~|!~|!=|==|>=|<=|=|<|>)
      | (?P<sign>[-+*/(){},^%])""",
    re.VERBOSE,
)
AGGREGATIONS = {"sum", "min", "max", "avg", "count"}
FUNCTIONS = AGGREGATIONS | {"rate", "increase", "changes", "absent", "histogram_quantile"}
GROUPINGS = {"by", "without"}
WORDS = {"and", "or", "unless", "on", "ignoring", "bool", "offset"}


@dataclass
class Named:
    """A metric in an expression with the labels and values it is chosen by, and a range or not."""

    metric: str
    matchers: list[tuple[str, str, str]] = field(default_factory=list)
    ranged: bool = False


@dataclass
class Expression:
    """What an expression names; `grouped` are the labels it keeps."""

    metrics: list[Named] = field(default_factory=list)
    grouped: set[str] = field(default_factory=set)


def parsed(text: str) -> Expression:
    """What the expression names. Raises ValueError for what is none."""
    tokens = _tokens(text)
    found, position, depth, called = Expression(), 0, 0, ""
    while position < len(tokens):
        kind, token = tokens[position]
        after = tokens[position + 1][1] if position + 1 < len(tokens) else ""
        position += 1
        if token in "()":
            depth += 1 if token == "(" else -1
            if depth < 0:
                raise ValueError(f"{text}: a bracket closes that was not opened")
        elif kind == "word" and token in GROUPINGS:
            labels, position = _labels(tokens, position, text)
            found.grouped |= labels
        elif kind == "word" and (after == "(" or (token in AGGREGATIONS and after in GROUPINGS)):
            if token not in FUNCTIONS:
                raise ValueError(f"{text}: {token} is no function known here")
            called = token
        elif kind == "word" and token not in WORDS:
            named = Named(token)
            position = _matchers(tokens, position, named, text)
            named.ranged = position < len(tokens) and tokens[position][0] == "range"
            position += named.ranged
            if named.ranged != (called in ("rate", "increase", "changes")):
                raise ValueError(f"{text}: {called} of {token} and its range do not go together")
            called = ""
            found.metrics.append(named)
    if depth:
        raise ValueError(f"{text}: a bracket is left open")
    return found


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, position = [], 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise ValueError(f"{text}: what is {text[position : position + 10]!r}?")
        if found.lastgroup != "space":
            tokens.append((str(found.lastgroup), found.group()))
        position = found.end()
    return tokens


def _labels(tokens: list[tuple[str, str]], position: int, text: str) -> tuple[set[str], int]:
    if tokens[position][1] != "(":
        raise ValueError(f"{text}: labels stand in brackets")
    end = next(at for at in range(position, len(tokens)) if tokens[at][1] == ")")
    return {token for kind, token in tokens[position:end] if kind == "word"}, end + 1


def _matchers(tokens: list[tuple[str, str]], position: int, named: Named, text: str) -> int:
    if position >= len(tokens) or tokens[position][1] != "{":
        return position
    position += 1
    while tokens[position][1] != "}":
        (kind, label), (_, how), (value_kind, value) = tokens[position : position + 3]
        if kind != "word" or value_kind != "string" or how not in ("=", "!=", "=~", "!~"):
            raise ValueError(f"{text}: {label}{how}{value} chooses nothing")
        named.matchers.append((label, how, value[1:-1]))
        position += 3
        if tokens[position][1] == ",":
            position += 1
    return position + 1
