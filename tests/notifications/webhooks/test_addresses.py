"""No webhook leads into the network of Seatledger, however its address is written or resolved."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.webhooks.addresses import UrlRefused, is_public, parse

PRIVATE = [
    "0.0.0.0",
    "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "192.168.1.1",
    "192.0.0.8", "192.0.0.192", "168.63.129.16",
    "192.0.2.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_address_is_not_public_in_any_form(address: str) -> None:
    number = int(ipaddress.IPv4Address(address))
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    for written in (address, f"::ffff:{address}", f"64:ff9b::{high}:{low}", f"::{high}:{low}", f"2002:{high}:{low}::1"):
        assert not is_public(written), written


@pytest.mark.parametrize(
    "address", ["::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1", "64:ff9b:1::808:808", "no"]
)
def test_other_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [*PUBLIC, "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_carried_address_decides(address: ipaddress.IPv4Address) -> None:
    carried = ipaddress.IPv6Address((0xFFFF << 32) | int(address))
    translated = ipaddress.IPv6Address((0x64FF9B << 96) | int(address))
    assert is_public(str(carried)) == is_public(str(translated)) == is_public(str(address))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://example.org/", "does not begin"),
        ("javascript:alert(1)", "does not begin"),
        ("//example.org/", "does not begin"),
        ("https://user@example.org/", "user name"),
        ("https://user:password@example.org/", "user name"),
        ("https://@example.org/", "user name"),
        ("https://example.org/#there", "fragment"),
        ("https://example.org/#", "fragment"),
        ("https:///there", "no host"),
        ("https://example.org:0/", "no host"),
        ("https://example.org:99999/", "not a URL"),
        ("https://[::1/", "not a URL"),
        ("https://[fe80::1%25eth0]/", "no host"),
        ("https://example.org/\r\nHost: other", "not a URL"),
        ("https://example.org/ there", "not a URL"),
        ("https://exämple.org/", "not a URL"),
        ("https://example.org/" + "a" * 2_000, "not a URL"),
        *((f"https://{host}/", "not a public address") for host in (
            "localhost", "LOCALHOST", "localhost.", "a.localhost", "printer.local", "db.internal", "127.0.0.1", "127.1", "0",
            "0x7f000001", "2130706433", "017700000001", "0x7f.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]",
            "[fe80::1]", "[64:ff9b::7f00:1]",
        )),
    ],
)  # fmt: skip
def test_url_that_no_webhook_may_have(url: str, why: str) -> None:
    with pytest.raises(UrlRefused, match=why):
        parse(url, allow_private=False)


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://example.org", "example.org", "/"),
        ("https://example.org:443/a/b?c=d", "example.org", "/a/b?c=d"),
        ("http://example.org:443/", "example.org:443", "/"),
        ("https://8.8.8.8:8443/", "8.8.8.8:8443", "/"),
        ("https://[2606:4700:4700::1111]:8443/", "[2606:4700:4700::1111]:8443", "/"),
        ("HTTPS://Example.org/", "example.org", "/"),
    ],
)
def test_url_is_taken_apart(url: str, authority: str, path: str) -> None:
    target = parse(url, allow_private=False)
    assert (target.authority, target.path) == (authority, path)


def test_private_addresses_can_be_allowed() -> None:
    assert parse("http://localhost:8080/", allow_private=True).authority == "localhost:8080"


@given(st.text(max_size=60))
def test_any_text_is_taken_or_refused(url: str) -> None:
    for text in (url, f"https://{url}", f"https://example.org/{url}"):
        try:
            target = parse(text, allow_private=False)
        except UrlRefused:
            continue
        assert target.host
        assert not set(target.path + target.host) & set("\r\n \x00")
