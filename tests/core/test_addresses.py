from ipaddress import ip_network

import pytest

from dogwatch.core.addresses import DENIED, blocked

REFUSED = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "::1": "loopback",
    "10.0.0.1": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "fc00::1": "private",
    "fdff::1": "private",
    "169.254.1.1": "link-local",
    "fe80::1": "link-local",
    "fe80::1%1": "link-local",
    "fec0::1": "site-local",
    "100.64.0.1": "carrier-grade NAT",
    "100.127.255.255": "carrier-grade NAT",
    "64:ff9b::808:808": "NAT64",
    "64:ff9b:1::1": "NAT64",
    "2002:808:808::1": "6to4",
    "192.88.99.1": "6to4",
    "2001::1": "Teredo",
    "2001:db8::1": "documentation",
    "3fff::1": "documentation",
    "192.0.2.1": "documentation",
    "198.51.100.7": "documentation",
    "203.0.113.7": "documentation",
    "198.18.0.1": "benchmarking",
    "198.19.255.255": "benchmarking",
    "2001:2::1": "benchmarking",
    "2001:10::1": "protocol assignment",
    "192.0.0.1": "protocol assignment",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "ff02::1": "multicast",
    "255.255.255.255": "broadcast",
    "240.0.0.1": "reserved",
    "0.0.0.0": "unspecified",
    "::": "unspecified",
    "0.1.2.3": "this network",
    "100::1": "discard",
    "169.254.169.254": "cloud metadata",
    "169.254.170.2": "cloud metadata",
    "fd00:ec2::254": "cloud metadata",
    "fd20:ce::254": "cloud metadata",
    "100.100.100.200": "cloud metadata",
    "168.63.129.16": "cloud metadata",
    "192.0.0.192": "cloud metadata",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:169.254.169.254": "cloud metadata",
    "::127.0.0.1": "loopback",
    "::2": "this network",
    "::ffff:0:7f00:1": "IPv4-translated",
    "5f00::1": "reserved",
    "1fff::1": "reserved",
    "4000::1": "reserved",
    "8000::1": "reserved",
    "localhost": "not an IP address",
    "0x7f.1": "not an IP address",
    "": "not an IP address",
}

FINE = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "168.63.129.17",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "2001:4860:4860::8888",
    "3ffe::1",
]


@pytest.mark.parametrize(("ip", "reason"), REFUSED.items())
def test_refuses_with_the_reason(ip: str, reason: str) -> None:
    assert blocked(ip) == reason


@pytest.mark.parametrize("ip", FINE)
def test_lets_public_addresses_pass(ip: str) -> None:
    assert blocked(ip) is None


@pytest.mark.parametrize(("cidr", "reason"), DENIED)
def test_every_row_of_the_table_bites_at_both_ends(cidr: str, reason: str) -> None:
    network = ip_network(cidr)
    assert blocked(str(network.network_address)) is not None
    assert blocked(str(network.broadcast_address)) is not None
    assert reason


def test_the_allow_list_wins_for_what_it_holds_alone() -> None:
    allow = [ip_network("10.1.0.0/16"), ip_network("::1/128")]
    assert blocked("10.1.2.3", allow) is None
    assert blocked("::ffff:10.1.2.3", allow) is None
    assert blocked("::1", allow) is None
    assert blocked("10.2.0.1", allow) == "private"
    assert blocked("127.0.0.1", allow) == "loopback"


def test_an_ipv6_network_never_lets_an_embedded_ipv4_address_through() -> None:
    assert blocked("::ffff:10.0.0.1", [ip_network("::/0")]) == "private"
