"""Which addresses may be called: judged by the address that is connected to, however its name is spelled. Pure."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from gateway.settings import ALLOWABLE

HTTP, PRIVATE, LOOPBACK = ALLOWABLE

NEVER = "never"
"""What no setting allows: addresses of no platform, where clouds keep their machines' credentials among them."""

_NEVER = [
    ip_network(one)
    for one in (
        "0.0.0.0/8",  # this network: connects to the machine itself
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "192.0.0.0/24",  # protocol assignments; metadata of Oracle's cloud
        "100.100.100.200/32",  # metadata of Alibaba's cloud
        "168.63.129.16/32",  # the machine's agent in Azure
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "::/128",
        "fe80::/10",  # link-local
        "ff00::/8",  # multicast
        "fd00:ec2::/32",  # metadata of Amazon's cloud
        "fd20:ce::254/128",  # metadata of Google's cloud
    )
]
_LOOPBACK = [ip_network(one) for one in ("127.0.0.0/8", "::1/128")]
_PRIVATE = [
    ip_network(one)
    for one in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "198.18.0.0/15",
        "fc00::/7",
        "fec0::/10",
    )
]
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


def lacking(scheme: str, address: str, allow: Collection[str]) -> str | None:
    """Give what is not allowed of a connection to an IP address (`NEVER`, or one of `ALLOWABLE`); None: it may go."""
    kind = kind_of(address)
    if kind == NEVER:
        return NEVER
    if scheme == HTTP and HTTP not in allow:
        return HTTP
    return kind if kind is not None and kind not in allow else None


@lru_cache(maxsize=4096)
def kind_of(address: str) -> str | None:
    """Give the kind of an IP address: `NEVER`, `LOOPBACK`, `PRIVATE`, or None for a public one.

    One of IPv6 that stands for one of IPv4 (mapped, 6to4, NAT64) is judged as that. ValueError for what is no address.
    """
    known = _meant(ip_address(address.partition("%")[0]))
    for kind, networks in ((NEVER, _NEVER), (LOOPBACK, _LOOPBACK), (PRIVATE, _PRIVATE)):
        if any(known in network for network in networks if network.version == known.version):
            return kind
    return None


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Give the address of IPv4 that one of IPv6 carries."""
    if isinstance(address, IPv4Address):
        return address
    carried = address.ipv4_mapped or address.sixtofour
    if carried is None and (address in _NAT64 or (address in _COMPATIBLE and int(address) > 1)):
        carried = IPv4Address(int(address) & 0xFFFFFFFF)
    return carried or address


def literal(host: str) -> str | None:
    """Give the IP address that a host is written as; None for a name, which is judged when it is connected to."""
    try:
        return str(ip_address(host.strip("[]").partition("%")[0]))
    except ValueError:
        return "127.0.0.1" if host.lower().rstrip(".") == "localhost" else None
