"""Whose address a request is counted under, and whom to believe about it."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.guard.addresses import from_this_machine, subscriber_of
from engine.domain.addresses import is_loopback
from tests.guarding import environ

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


def counted(peer: str, forwarded: str | None = None) -> str:
    more = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return subscriber_of(environ(REMOTE_ADDR=peer, **more), trusted=TRUSTED)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", None, "198.51.100.7"),
        # Nobody trusts the peer: what it says of others counts for nothing.
        ("198.51.100.7", "203.0.113.1", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.1", "203.0.113.1"),
        # What the client wrote itself stands before what the proxy saw.
        ("10.0.0.1", "1.2.3.4, 203.0.113.1", "203.0.113.1"),
        ("10.0.0.1", "1.2.3.4,203.0.113.1, 10.9.9.9", "203.0.113.1"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "1" * 100_000, "10.0.0.1"),
        ("2001:db8::1", "203.0.113.1", "203.0.113.1"),
        ("::ffff:10.0.0.1", "203.0.113.1", "203.0.113.1"),
        ("nonsense", None, "unknown"),
    ],
)
def test_a_forwarded_address_counts_only_from_a_trusted_proxy(
    peer: str, forwarded: str | None, client: str
):
    assert counted(peer, forwarded) == client


def test_one_network_of_ipv6_is_one_subscriber():
    assert counted("2a00:1450:1:2:3::4") == counted("2a00:1450:1:2:ffff::1")
    assert counted("2a00:1450:1:2:3::4") != counted("2a00:1450:1:3:3::4")
    assert counted("fe80::1%eth0") == "fe80::"


@given(st.text(), st.text())
def test_no_header_is_an_error(peer: str, forwarded: str):
    assert counted(peer, forwarded)
    from_this_machine(environ(REMOTE_ADDR=peer, HTTP_HOST=forwarded))


def test_loopback_is_what_only_this_machine_reaches():
    assert [is_loopback(each) for each in ("localhost", "127.0.0.1", "127.9.9.9", "::1")] == [
        True
    ] * 4
    assert not any(is_loopback(each) for each in ("0.0.0.0", "::", "10.0.0.1", "shop", ""))
