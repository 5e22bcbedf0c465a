"""Which addresses Dogwatch does not connect to unless the admin allows them.

Sources: the IANA special-purpose registries (RFC 6890 and its updates), RFC 6598 (CGNAT), RFC 6052
and 8215 (NAT64), and the metadata addresses that cloud vendors publish. The table is ours because
`ipaddress.is_private` misses CGNAT, NAT64, multicast and metadata addresses.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

# The first row that holds an address names it, so narrow rows stand above wide ones.
DENIED: tuple[tuple[str, str], ...] = (
    ("169.254.169.254/32", "cloud metadata"),
    ("169.254.169.253/32", "cloud metadata"),
    ("169.254.170.2/32", "cloud metadata"),
    ("169.254.170.23/32", "cloud metadata"),
    ("169.254.0.23/32", "cloud metadata"),
    ("100.100.100.200/32", "cloud metadata"),
    ("168.63.129.16/32", "cloud metadata"),
    ("192.0.0.192/32", "cloud metadata"),
    ("0.0.0.0/32", "unspecified"),
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignment"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("240.0.0.0/4", "reserved"),
    ("fd00:ec2::/32", "cloud metadata"),
    ("fd20:ce::254/128", "cloud metadata"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64"),
    ("100::/64", "discard"),
    ("2001::/32", "Teredo"),
    ("2001:2::/48", "benchmarking"),
    ("2001::/23", "protocol assignment"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "documentation"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
    # Global unicast is 2000::/3 alone (RFC 4291, section 2.4); these three are all the rest.
    ("::/3", "reserved"),
    ("4000::/2", "reserved"),
    ("8000::/1", "reserved"),
)

# Rows as (mask, network, reason) in plain integers: this runs for every connection.
_ROWS: dict[int, tuple[tuple[int, int, str], ...]] = {
    version: tuple(
        (int(network.netmask), int(network.network_address), reason)
        for network, reason in ((ip_network(cidr), reason) for cidr, reason in DENIED)
        if network.version == version
    )
    for version in (4, 6)
}


def blocked(ip: str, allow: Sequence[Network] = ()) -> str | None:
    """Return why `ip` is refused ("loopback"), or None where a connection to it is fine.

    A network of `allow` that holds the address wins over the table. An IPv4 address inside an
    IPv6 one (mapped ::ffff:0:0/96, compatible ::/96) is judged as that IPv4 address.
    """
    return _blocked(ip, tuple(allow))


def judging(allow: Sequence[Network]) -> Callable[[str], str | None]:
    """Return `blocked` for one `allow`, which remembers: the same addresses come again and again.

    To look up the networks themselves each time would cost more than to judge.
    """
    return lru_cache(maxsize=16_384)(partial(_blocked, allow=tuple(allow)))


def _blocked(ip: str, allow: tuple[Network, ...]) -> str | None:
    try:
        address = _unwrapped(ip_address(ip))
    except ValueError:
        return "not an IP address"
    if any(address in network for network in allow):
        return None
    number = int(address)
    return next((why for mask, net, why in _ROWS[address.version] if number & mask == net), None)


def _unwrapped(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    number = int(address)
    compatible = 1 < number < 1 << 32
    return IPv4Address(number) if compatible else address
