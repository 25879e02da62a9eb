"""TLS to one platform: its own CA, our certificate, and the least version, against real servers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.base import OutboundRequest
from gateway.delivery.no_answer import NoAnswer
from gateway.delivery.sender import Sender
from gateway.delivery.tls import TlsTerms, context_of
from gateway.ledger.records import Platform

CERTIFICATES = Path(__file__).parent / "certificates"
GOOD, ELSEWHERE = ((CERTIFICATES / f"{name}.pem").read_text() for name in ("good", "elsewhere"))
PATIENT = timedelta(seconds=20)
POST = OutboundRequest("POST", "/x", {}, b"{}")
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


def split(pem: str) -> tuple[str, str]:
    """Give certificate and key of a file that has both."""
    begin = pem.index("-----BEGIN CERTIFICATE-----")
    end = pem.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----\n")
    return pem[begin:end], pem[:begin] + pem[end:]


CERTIFICATE, KEY = split(GOOD)
OTHER_CERTIFICATE, OTHER_KEY = split(ELSEWHERE)


@asynccontextmanager
async def serving(seen: list[Any], **rules: Any) -> AsyncIterator[str]:
    """Serve over TLS; gives the address, and notes the certificate and the version of each caller."""
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(CERTIFICATES / "good.pem")
    for name, value in rules.items():
        setattr(own, name, value)
    if rules.get("verify_mode") is ssl.CERT_REQUIRED:
        own.load_verify_locations(cadata=CERTIFICATE)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            session = writer.get_extra_info("ssl_object")
            seen.append((session.getpeercert() is not None, session.version()))
            writer.write(ANSWER)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=own) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def platform(address: str, **settings: str) -> Platform:
    """Give a platform with these settings."""
    said = {"base_url": address, **settings}
    return Platform("penalty.330000", "penalty", "330000", "town", said, datetime(2026, 9, 1, tzinfo=UTC))


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    """The one socket outward, which believes the system's authorities."""
    made = Sender()
    yield made
    await made.close()


async def test_a_platforms_own_authority_is_believed_by_it_alone(sender: Sender) -> None:
    """Without it the same server is untrusted; with another it is, too; a change counts at once."""
    async with serving([]) as address:
        assert (await sender.send(platform(address, tls_ca=CERTIFICATE), POST, PATIENT)).body == b"ok"
        for settings in ({}, {"tls_ca": OTHER_CERTIFICATE}):
            with pytest.raises(NoAnswer) as caught:
                await sender.send(platform(address, **settings), POST, PATIENT)
            assert (caught.value.reason, caught.value.may_have_left) == ("tls.untrusted", False)
        assert (await sender.send(platform(address, tls_ca=CERTIFICATE), POST, PATIENT)).status == 200


async def test_our_certificate_is_shown_to_who_asks_for_it(sender: Sender) -> None:
    """Without it the platform lets nobody in."""
    seen: list[Any] = []
    async with serving(seen, verify_mode=ssl.CERT_REQUIRED) as address:
        shown = platform(address, tls_ca=CERTIFICATE, tls_certificate=CERTIFICATE, tls_key=KEY)
        assert (await sender.send(shown, POST, PATIENT)).body == b"ok"
        with pytest.raises(NoAnswer):
            await sender.send(platform(address, tls_ca=CERTIFICATE), POST, PATIENT)
    assert [certificate for certificate, _ in seen] == [True]


async def test_nothing_older_than_the_least_version_is_spoken(sender: Sender) -> None:
    """1.2 unless a platform's settings say 1.3."""
    old = {"minimum_version": ssl.TLSVersion.MINIMUM_SUPPORTED, "maximum_version": ssl.TLSVersion.TLSv1_2}
    seen: list[Any] = []
    async with serving(seen, **old) as address:
        await sender.send(platform(address, tls_ca=CERTIFICATE), POST, PATIENT)
        with pytest.raises(NoAnswer) as caught:
            await sender.send(platform(address, tls_ca=CERTIFICATE, tls_minimum="1.3"), POST, PATIENT)
        # Who speaks nothing in common is told so, or left; either way nothing of the call has left.
        assert caught.value.reason in ("tls.failed", "connection.failed")
        assert not caught.value.may_have_left
    assert [version for _, version in seen] == ["TLSv1.2"]
    for terms in (TlsTerms(None, None, None, None), TlsTerms(CERTIFICATE, None, None, None)):
        assert context_of(terms).minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("terms", "named"),
    [
        (TlsTerms("no PEM", None, None, None), "tls_ca"),
        (TlsTerms("", None, None, None), "tls_ca"),
        (TlsTerms(None, CERTIFICATE, None, None), "tls_key"),
        (TlsTerms(None, None, KEY, None), "tls_certificate"),
        (TlsTerms(None, CERTIFICATE, OTHER_KEY, None), "tls_certificate"),
        (TlsTerms(None, CERTIFICATE, "secret", None), "tls_certificate"),
        (TlsTerms(None, "公钥\x00", KEY, None), "tls_certificate"),
    ],
)
async def test_what_cannot_be_used_is_named_and_never_shown(sender: Sender, terms: TlsTerms, named: str) -> None:
    """By its setting, when it is looked at and when it is called with."""
    with pytest.raises(ValueError, match=f"^{named}$"):
        context_of(terms, system=False)
    said = {name: getattr(terms, name.removeprefix("tls_")) for name in ("tls_ca", "tls_certificate", "tls_key")}
    given = {name: value for name, value in said.items() if value is not None}
    with pytest.raises(NoAnswer) as caught:
        await sender.send(platform("https://127.0.0.1:1", **given), POST, PATIENT)
    assert (caught.value.reason, caught.value.may_have_left) == ("tls.failed", False)
    assert "secret" not in caught.value.detail
