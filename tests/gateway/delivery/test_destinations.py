"""Which addresses may be called."""

import pytest

from gateway.delivery.destinations import LOOPBACK, NEVER, PRIVATE, kind_of, lacking, literal


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("203.0.113.9", None),
        ("2001:db8::9", None),
        ("8.8.8.8", None),
        ("127.0.0.1", LOOPBACK),
        ("127.255.3.4", LOOPBACK),
        ("::1", LOOPBACK),
        ("::ffff:127.0.0.1", LOOPBACK),
        ("10.1.2.3", PRIVATE),
        ("172.16.0.1", PRIVATE),
        ("172.32.0.1", None),
        ("192.168.8.8", PRIVATE),
        ("100.64.0.1", PRIVATE),
        ("fd12:3456::1", PRIVATE),
        ("::ffff:10.0.0.1", PRIVATE),
        ("::10.0.0.1", PRIVATE),
        ("2002:0a00:0001::1", PRIVATE),
        ("64:ff9b::c0a8:1", PRIVATE),
        ("0.0.0.0", NEVER),
        ("0.1.2.3", NEVER),
        ("::", NEVER),
        ("::ffff:0.0.0.0", NEVER),
        ("169.254.169.254", NEVER),
        ("::ffff:169.254.169.254", NEVER),
        ("64:ff9b::a9fe:a9fe", NEVER),
        ("2002:a9fe:a9fe::", NEVER),
        ("fe80::1%eth0", NEVER),
        ("fd00:ec2::254", NEVER),
        ("fd20:ce::254", NEVER),
        ("100.100.100.200", NEVER),
        ("192.0.0.192", NEVER),
        ("168.63.129.16", NEVER),
        ("224.0.0.1", NEVER),
        ("255.255.255.255", NEVER),
        ("ff02::1", NEVER),
    ],
)
def test_an_address_is_judged_by_what_it_leads_to(address, kind):
    """One of IPv6 that carries one of IPv4 is judged as that; where clouds keep credentials is nobody's."""
    assert kind_of(address) == kind


@pytest.mark.parametrize(
    ("scheme", "address", "allow", "lacks"),
    [
        ("https", "203.0.113.9", (), None),
        ("http", "203.0.113.9", (), "http"),
        ("http", "203.0.113.9", ("http",), None),
        ("https", "10.0.0.1", (), "private"),
        ("http", "10.0.0.1", ("http",), "private"),
        ("http", "10.0.0.1", ("http", "private"), None),
        ("https", "127.0.0.1", ("private",), "loopback"),
        ("https", "127.0.0.1", ("loopback",), None),
        ("https", "169.254.169.254", ("http", "private", "loopback"), NEVER),
    ],
)
def test_what_is_not_allowed_is_named(scheme, address, allow, lacks):
    """So that an administrator knows what to allow; some is never."""
    assert lacking(scheme, address, allow) == lacks


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("[::1]", "::1"),
        ("10.0.0.1", "10.0.0.1"),
        ("LocalHost.", "127.0.0.1"),
        ("penalty.example", None),
        ("127.1", None),
    ],
)
def test_a_name_is_judged_when_it_is_connected_to(host, address):
    """Only what is an address as it is written can be judged before."""
    assert literal(host) == address
