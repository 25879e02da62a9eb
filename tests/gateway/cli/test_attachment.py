"""Files are uploaded from the command line."""

import hashlib
import socket
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx


def test_a_file_is_uploaded(remote, tmp_path):
    """Its id, digest and size are told, as a document states them."""
    add = ("platform", "add", "penalty.330100", "--adapter", "canonical", "--set", "token=t")
    assert remote(*add, "--set", "base_url=http://127.0.0.1:9").code == 0
    credential = remote("platform", "credentials", "penalty.330100", "--json").json["credential"]
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8" * 700_000)
    sent = remote("attachment", "send", str(photo), "--token", credential, "--json")
    assert sent.code == 0, sent.err
    assert sent.json["size"] == 1_400_000
    assert sent.json["digest"] == f"sha256:{hashlib.sha256(photo.read_bytes()).hexdigest()}"
    assert sent.json["upload_id"]


def test_what_cannot_be_uploaded_says_why(remote, tmp_path):
    """Without a credential it is a misuse; a file that is not there, and a credential that is none, are failures."""
    assert remote("attachment", "send", str(tmp_path / "x.jpg"), "--token", "").code == 2
    missing = remote("attachment", "send", str(tmp_path / "x.jpg"), "--token", "x")
    assert (missing.code, "cannot be read" in missing.err) == (1, True)
    (tmp_path / "x.jpg").write_bytes(b"x")
    assert remote("attachment", "send", str(tmp_path / "x.jpg"), "--token", "x").code == 1


def half_of(path: Path) -> list[str]:
    """What is half-written below a folder."""
    return [one.name for one in path.rglob("*.part")]


def until(holds: Callable[[], bool]) -> None:
    """Wait for another process."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_who_goes_away_half_way_leaves_nothing(remote, served):
    """A connection that is cut after two of three megabytes: what was written of it goes at once."""
    folder = served.log.parent
    add = ("platform", "add", "penalty.330200", "--adapter", "canonical", "--set", "token=t")
    assert remote(*add, "--set", "base_url=http://127.0.0.1:9").code == 0
    credential = remote("platform", "credentials", "penalty.330200", "--json").json["credential"]
    before = sorted(folder.rglob("hutong.db.attachments/*/*"))
    address = urlsplit(served.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        head = (
            f"POST /v1/attachments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {credential}\r\n"
            f"Content-Digest: sha-256=:{b64encode(bytes(32)).decode()}:\r\nContent-Length: 3000000\r\n\r\n"
        )
        connection.sendall(head.encode() + bytes(2_000_000))
        until(lambda: bool(half_of(folder)))
    until(lambda: not half_of(folder))
    assert sorted(folder.rglob("hutong.db.attachments/*/*")) == before


def test_what_was_answered_outlives_the_process(begin, finish, ledger_at, tmp_path):
    """Uploaded, answered, and killed: the next process of the ledger gives it out byte for byte."""
    ledger_at(tmp_path / "hutong.db")
    first = begin(tmp_path)
    admin = {"Authorization": f"Bearer {first.token}"}
    body = {"adapter": "canonical", "settings": {"base_url": "http://127.0.0.1:9", "token": "t"}}
    put = httpx.put(f"{first.url}/v1/platforms/penalty.330000", json=body, headers=admin)
    assert put.status_code == 200, put.text
    issued = httpx.post(f"{first.url}/v1/platforms/penalty.330000/credentials", headers=admin)
    own = {"Authorization": f"Bearer {issued.json()['credential']}"}
    content = bytes(range(256)) * 4000
    digest = f"sha-256=:{b64encode(hashlib.sha256(content).digest()).decode()}:"
    told = httpx.post(f"{first.url}/v1/attachments", content=content, headers={**own, "Content-Digest": digest})
    assert told.status_code == 201, told.text
    first.process.kill()
    first.process.wait()
    second = begin(tmp_path, expect="http")
    found = httpx.get(f"{second.url}/v1/attachments/{told.json()['upload_id']}", headers=own)
    assert (found.status_code, found.content) == (200, content)
    finish(second)
