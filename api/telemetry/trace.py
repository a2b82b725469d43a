"""W3C Trace Context: which trace a request is part of, and our own step in it.

https://www.w3.org/TR/trace-context-2/, sections 3.2 and 3.3. What is not exactly as written there
is as if it had not been sent.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

VERSION = "00"
_SHAPE = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16
# Sampled, and random trace id; the other bits are not ours to hand on.
_KNOWN_FLAGS = 0x03
MAX_MEMBERS = 32
_KEY = r"[a-z0-9][a-z0-9_\-*/@]{0,255}"
# Printable but for comma and equals sign, and no blank at the end.
_VALUE = r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_MEMBER = re.compile(rf"({_KEY})=({_VALUE})", re.ASCII)


class Trace(NamedTuple):
    """A place in a trace: `span_id` is whoever called, or our own step once it is a child."""

    trace_id: str
    span_id: str
    flags: int

    @property
    def header(self) -> str:
        """The trace as `traceparent`."""
        return f"{VERSION}-{self.trace_id}-{self.span_id}-{self.flags:02x}"

    def child(self) -> Trace:
        """Our step in the same trace, with a new id."""
        span_id = os.urandom(8).hex()
        return Trace(self.trace_id, self.child_id(span_id), self.flags & _KNOWN_FLAGS)

    def child_id(self, drawn: str) -> str:
        """The drawn id; the one that means nobody is not used."""
        return drawn if drawn != _NO_SPAN else "1".zfill(16)


def read_traceparent(header: str) -> Trace | None:
    """What the header says, None when it is not one.

    Of a later version the part that version 00 has is taken.
    """
    found = _SHAPE.fullmatch(header)
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == VERSION and more is not None):
        return None
    if trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return Trace(trace_id, span_id, int(flags, 16))


def read_tracestate(header: str) -> str | None:
    """The header, its members in order and blanks around them gone; None when it is not one."""
    members = [each.strip(" \t") for each in header.split(",")]
    members = [each for each in members if each]
    keys = set()
    for each in members:
        found = _MEMBER.fullmatch(each)
        if found is None or found.group(1) in keys:
            return None
        keys.add(found.group(1))
    return ",".join(members) if 0 < len(members) <= MAX_MEMBERS else None
