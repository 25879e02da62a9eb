"""Compressed bodies: taken within the byte bound, whatever they would become."""

import gzip
import json
import zlib

import pytest

from gateway.api.inbound.encoding import Inflate, coding_of
from gateway.api.inbound.request import read_body, too_large
from schemas.findings import Rejected

PENALTY = "penalty.330000"


def raw_deflate(body):
    """Compress without the frame that belongs to `deflate`."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


@pytest.mark.parametrize(
    ("coding", "compress"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("identity", bytes),
        ("", bytes),
    ],
)
async def test_compressed_documents_are_taken(caller, execution, coding, compress):
    """The same document, compressed in each way that is taken; what is kept are the bytes before compression."""
    body = json.dumps(execution).encode()
    answer = await caller.send(PENALTY, "execution", compress(body), headers={"Content-Encoding": coding})
    assert answer.status_code == 202, answer.text
    kept = await caller.admin("GET", f"/v1/messages/{answer.json()['message_id']}/native")
    assert kept.content == body


@pytest.mark.parametrize("coding", ["br", "zstd", "UTF-8", "gzip, gzip", "gzip, br"])
async def test_other_codings_are_told_which_are_taken(caller, coding):
    """415 with Accept-Encoding, for documents and for every other call."""
    for path in ("/v1/inbound/execution", "/v1/inbound/progress"):
        answer = await caller.platform(PENALTY, "POST", path, content=b"x", headers={"Content-Encoding": coding})
        assert (answer.status_code, answer.json()["code"]) == (415, "encoding.unsupported")
        assert answer.headers["Accept-Encoding"] == "gzip, deflate"
    answer = await caller.admin("POST", "/v1/replays", content=b"x", headers={"Content-Encoding": coding})
    assert (answer.status_code, answer.headers["Accept-Encoding"]) == (415, "gzip, deflate")


_ONE = gzip.compress(b"{}", mtime=0)  # else the time would be part of the tests' names


@pytest.mark.parametrize("body", [b"", b"{}", b"\x1f", _ONE[:-4], _ONE + b"x", _ONE * 2])
async def test_a_broken_stream_is_told(caller, body):
    """Nothing at all, not compressed, cut off, and with something behind it."""
    answer = await caller.send(PENALTY, "execution", body, headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (400, "encoding.broken")


async def test_a_bomb_is_a_body_that_is_too_large(caller):
    """413, although what arrived is small; here and in every other call."""
    bomb = gzip.compress(b" " * 100_000_000)
    answer = await caller.send(PENALTY, "execution", bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 413
    answer = await caller.admin("POST", "/v1/replays", content=bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 413


async def test_operators_calls_are_taken_compressed(caller):
    """A JSON call that came compressed is read as any other."""
    body = gzip.compress(json.dumps({"reason": "maintenance"}).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await caller.admin("POST", f"/v1/platforms/{PENALTY}/pause", content=body, headers=headers)
    assert answer.status_code == 200, answer.text


async def test_no_more_than_the_bound_ever_comes_of_it():
    """However it arrives: one byte at a time or at once, it stops as soon as the bound is passed."""
    bomb = gzip.compress(b"x" * 10_000_000)
    for size in (1, len(bomb)):
        inflate, made = Inflate("gzip", 1_000_000, too_large(1_000_000)), []
        with pytest.raises(Rejected):
            await _inflated(inflate, [bomb[at : at + size] for at in range(0, len(bomb), size)], made)
        assert sum(made) <= 1_000_000


async def _inflated(inflate, pieces, made):
    for piece in pieces:
        made.append(len(await inflate(piece, last=False)))


async def test_a_document_may_come_in_any_pieces():
    """Cut anywhere, also within the first two bytes."""
    body = b"a document of some length, so that it has several pieces" * 50
    for compress in (zlib.compress, raw_deflate):
        packed = compress(body)
        for size in (1, 2, 7, len(packed)):
            pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
            events = [{"type": "http.request", "body": one, "more_body": True} for one in pieces]
            events[-1]["more_body"] = False

            async def receive(events=events):
                return events.pop(0)

            assert await read_body(receive, 10_000, lambda size: None, "deflate") == body


def test_the_coding_is_read_from_every_header_of_that_name():
    """Two headers are one list."""
    assert coding_of({"headers": [(b"content-encoding", b"identity"), (b"content-encoding", b"gzip")]}) == "gzip"
    with pytest.raises(Rejected):
        coding_of({"headers": [(b"content-encoding", b"gzip"), (b"content-encoding", b"gzip")]})
