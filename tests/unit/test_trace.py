"""W3C Trace Context, Level 2: https://www.w3.org/TR/trace-context-2/."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.telemetry.trace import Trace, read_traceparent, read_tracestate

# The example of section 3.2.2.
EXAMPLE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
HEX = "0123456789abcdef"


def hexadecimal(length: int) -> st.SearchStrategy[str]:
    return st.text(HEX, min_size=length, max_size=length)


def an_id(length: int) -> st.SearchStrategy[str]:
    return hexadecimal(length).filter(lambda text: set(text) != {"0"})


TRACES = st.builds(Trace, an_id(32), an_id(16), st.integers(0, 255))


def test_the_example_of_the_specification_is_read():
    trace = read_traceparent(EXAMPLE)

    assert trace == Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", 1)
    assert trace.header == EXAMPLE


@pytest.mark.parametrize(
    "header",
    [
        "",
        EXAMPLE.upper(),
        f" {EXAMPLE}",
        f"{EXAMPLE}\n",
        f"{EXAMPLE}-more",
        f"{EXAMPLE},{EXAMPLE}",
        EXAMPLE[:-1],
        EXAMPLE.replace("00-", "ff-", 1),
        EXAMPLE.replace("00-", "cc-", 1) + "more",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        "00-4bf92f3577b34da6a3ce929d0e0e473\u0661-00f067aa0ba902b7-01",
    ],
)
def test_what_is_not_exactly_a_traceparent_is_as_if_not_sent(header: str):
    assert read_traceparent(header) is None


@pytest.mark.parametrize("more", ["", "-", "-what-the-future-has"])
def test_of_a_later_version_the_known_part_is_taken(more: str):
    trace = read_traceparent(EXAMPLE.replace("00-", "cc-", 1) + more)

    assert trace is not None
    # We answer in the version we know.
    assert trace.header == EXAMPLE


@given(TRACES)
def test_written_and_read_again_a_trace_is_the_same(trace: Trace):
    assert read_traceparent(trace.header) == trace


@given(TRACES)
def test_our_step_is_in_the_same_trace_and_a_new_one(trace: Trace):
    ours = trace.child()

    again = read_traceparent(ours.header)
    assert again == ours
    assert ours.trace_id == trace.trace_id
    assert ours.span_id != trace.span_id
    # Sampled and random go on, bits that nobody gave a meaning do not.
    assert ours.flags == trace.flags & 3


def test_the_id_that_means_nobody_is_never_ours():
    trace = read_traceparent(EXAMPLE)

    assert trace is not None
    assert trace.child_id("0" * 16) != "0" * 16


@given(st.text())
def test_no_text_breaks_the_reading(text: str):
    read_traceparent(text)
    read_tracestate(text)


KEYS = st.from_regex(r"[a-z0-9][a-z0-9_\-*/@]{0,20}", fullmatch=True)
CHARACTERS = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ",=")
VALUES = st.text(CHARACTERS, min_size=1, max_size=20).filter(lambda text: text[-1] != " ")
MEMBERS = st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=32, unique_by=lambda each: each[0])


@given(MEMBERS, st.sampled_from([",", ", ", " ,", "\t,\t", ",,"]))
def test_members_of_a_tracestate_keep_their_order(members: list[tuple[str, str]], separator: str):
    header = separator.join(f"{key}={value}" for key, value in members)

    # A value that begins with blanks keeps them: they are after the equals sign.
    assert read_tracestate(header) == ",".join(f"{key}={value}" for key, value in members)


@pytest.mark.parametrize(
    "header",
    [
        "",
        " , ,",
        "a=1,a=2",
        "A=1",
        "a =1",
        "a=",
        "a=1=2",
        "a=b\x7f",
        f"{'a' * 257}=1",
        f"a={'1' * 257}",
        ",".join(f"k{number}=1" for number in range(33)),
    ],
)
def test_what_breaks_a_rule_is_no_tracestate(header: str):
    assert read_tracestate(header) is None


def test_the_longest_members_are_members():
    header = f"{'a' * 256}={'1' * 256},{string.ascii_lowercase}@x=1"

    assert read_tracestate(header) == header
