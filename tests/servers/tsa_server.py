"""A time-stamp authority (RFC 3161) as a real process: each request is answered by `openssl ts -reply`."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)

_CONFIGURATION = """
[c]
serial={0}/serial
crypto_device=builtin
signer_cert={0}/{1}.pem
signer_key={0}/{1}.key
signer_digest=sha256
default_policy=1.2.3.4
digests=sha256
accuracy=secs:1
"""


class NoServer(Exception):
    """There is nothing to answer with; says what to install."""


class TimeStampAuthority:
    """Certificates of an authority in a folder, and how it answers. `instead`: what it answers whatever was asked.

    `ca`: the file of the certificate by which it is believed. `signer`: `good`, or `expired`. NoServer where there
    is no openssl to answer with.
    """

    def __init__(self, folder: Path) -> None:
        openssl = shutil.which("openssl")
        if openssl is None:
            raise NoServer(
                "the time-stamp authority answers by openssl, which is not here: sudo apt-get install openssl"
            )
        self._openssl = openssl
        self.ca = folder / "ca.pem"
        self.signer = "good"
        self.asked: list[bytes] = []
        self.answers: list[bytes] = []
        self.instead: bytes | None = None
        self.slow = asyncio.Event()
        self.slow.set()
        self.url = ""
        self._folder = folder
        self._certify()

    def _certify(self) -> None:
        now, root = datetime.now(UTC), ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(root.public_key())
        made = made.serial_number(1).not_valid_before(now - 40 * DAY).not_valid_after(now + 40 * DAY)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.ca.write_bytes(made.sign(root, hashes.SHA256()).public_bytes(Encoding.PEM))
        (self._folder / "serial").write_text("01\n")
        for signer, until in (("good", now + DAY), ("expired", now - DAY)):
            key = ec.generate_private_key(ec.SECP256R1())
            own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Test TSA {signer}")])
            one = x509.CertificateBuilder().subject_name(own).issuer_name(name).public_key(key.public_key())
            one = one.serial_number(x509.random_serial_number())
            one = one.not_valid_before(now - 30 * DAY).not_valid_after(until)
            one = one.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            (self._folder / f"{signer}.pem").write_bytes(one.sign(root, hashes.SHA256()).public_bytes(Encoding.PEM))
            plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            (self._folder / f"{signer}.key").write_bytes(plain)
            (self._folder / f"{signer}.cnf").write_text(_CONFIGURATION.format(self._folder, signer))

    async def reply(self, query: bytes) -> bytes:
        """Answer a query with `openssl ts`."""
        (self._folder / "query").write_bytes(query)
        command = ("ts", "-reply", "-config", f"{self.signer}.cnf", "-section", "c", "-queryfile", "query")
        process = await asyncio.create_subprocess_exec(
            self._openssl,
            *command,
            cwd=self._folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        answer, _ = await process.communicate()
        return answer

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length"))
            query = await reader.readexactly(length)
            self.asked.append(query)
            await self.slow.wait()
            answer = await self.reply(query) if self.instead is None else self.instead
            self.answers.append(answer)
            told = f"HTTP/1.1 200 OK\r\ncontent-type: application/timestamp-reply\r\ncontent-length: {len(answer)}\r\n"
            writer.write(told.encode() + b"connection: close\r\n\r\n" + answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def time_stamp_authority(folder: Path) -> AsyncIterator[TimeStampAuthority]:
    """Run an authority on loopback while the block lasts."""
    authority = TimeStampAuthority(folder)
    server = await asyncio.start_server(authority._serve, "127.0.0.1", 0)
    authority.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/tsa"
    try:
        yield authority
    finally:
        authority.slow.set()
        server.close()
