"""Attachments over REST: uploaded with a digest, named by documents, fetched by who received one of those."""

import asyncio
import gzip
import hashlib
from base64 import b64encode
from pathlib import Path

import pytest

MOBILE, PENALTY = "mobile-enforcement.330000", "penalty.330100"
PHOTO = b"\xff\xd8\xff" + bytes(range(256)) * 5000


def digest_of(content: bytes) -> str:
    """A Content-Digest."""
    return f"sha-256=:{b64encode(hashlib.sha256(content).digest()).decode()}:"


async def upload(caller, content=PHOTO, platform=MOBILE, **headers):
    """Upload content as a platform."""
    said = {"content-type": "image/jpeg", "content-digest": digest_of(PHOTO), **headers}
    return await caller.platform(platform, "POST", "/v1/attachments", content=content, headers=said)


def case(**attachment):
    """A canonical case that names an attachment."""
    return {
        "type": "case.transferred",
        "document": {
            "case_number": "AJ-1",
            "name": "超标排污案",
            "party": {"name": "杭州示例化工有限公司", "credit_code": "91330110MA2CXY1R13"},
            "region": "330110",
            "found_at": "2026-08-02T11:00:00+08:00",
            "source": "inspection",
            "facts": "污水处理设施未运行",
            "officers": [{"name": "王一", "number": "33010001"}, {"name": "李二", "number": "33010002"}],
            "attachments": [{"name": "照片", **attachment}],
        },
    }


def files(tmp_path: Path) -> list[Path]:
    """What the store has on the disk."""
    return [one for one in (tmp_path / "attachments").rglob("*") if one.is_file()]


async def test_who_received_a_document_that_names_it_fetches_it(caller, tmp_path):
    """Its uploader, and penalty once the case was sent to it: byte for byte, with its digest, never to be run."""
    await caller.register(PENALTY, "canonical", token="t")
    kept = await upload(caller)
    assert kept.status_code == 201, kept.text
    told = kept.json()
    assert told["size"] == len(PHOTO)
    assert told["digest"] == f"sha256:{hashlib.sha256(PHOTO).hexdigest()}"
    path = f"/v1/attachments/{told['upload_id']}"
    absent = await caller.platform(PENALTY, "GET", path)
    assert (absent.status_code, absent.json()["code"]) == (404, "attachment.unknown")
    none = await caller.platform(PENALTY, "GET", f"/v1/attachments/{told['upload_id'][:-1]}0")
    assert (none.status_code, none.json()["code"]) == (404, "attachment.unknown")
    sent = await caller.platform(MOBILE, "POST", "/v1/messages", json=case(**told))
    assert sent.status_code == 202, sent.text
    await caller.outcome()
    for platform in (MOBILE, PENALTY):
        found = await caller.platform(platform, "GET", path)
        assert (found.status_code, found.content) == (200, PHOTO)
        assert found.headers["content-type"] == "image/jpeg"
        assert found.headers["content-digest"] == digest_of(PHOTO)
        assert found.headers["content-disposition"] == "attachment"
        assert found.headers["x-content-type-options"] == "nosniff"
    assert PHOTO[:40] not in caller.sender.sent[-1].body
    assert told["upload_id"].encode() in caller.sender.sent[-1].body


async def test_others_and_administrators_fetch_nothing(caller):
    """Who received no such document is told the same as of none; operators' tokens stand for no platform."""
    await caller.register("credit-publicity.330000", "canonical", token="t")
    path = f"/v1/attachments/{(await upload(caller)).json()['upload_id']}"
    assert (await caller.platform("credit-publicity.330000", "GET", path)).status_code == 404
    assert (await caller.admin("GET", path)).status_code == 403
    assert (await caller.call(None, "GET", path)).status_code == 401
    assert (await caller.call(None, "POST", "/v1/attachments", content=PHOTO)).status_code == 401


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (PHOTO, {"content-digest": ""}, 400, "digest.missing"),
        (PHOTO, {"content-digest": "sha-256=:x:"}, 400, "digest.malformed"),
        (PHOTO[:-1], {}, 400, "digest.mismatch"),
        (PHOTO + b"x", {}, 400, "digest.mismatch"),
        (gzip.compress(PHOTO), {"content-encoding": "gzip"}, 415, "encoding.unsupported"),
        (bytes(5 * 1024 * 1024), {}, 413, None),
    ],
)
async def test_what_is_not_what_it_says_leaves_nothing(caller, tmp_path, content, headers, status, code):
    """Cut short, longer, encoded, or beyond the bound: told, and not a byte is left on the disk."""
    refused = await upload(caller, content, **headers)
    assert refused.status_code == status, refused.text
    assert code in (None, refused.json()["code"])
    assert files(tmp_path) == []


async def test_a_body_without_a_length_is_bounded_while_it_streams(caller, tmp_path):
    """Chunked, and longer than may be: 413 while it comes, and nothing is left."""

    async def chunked():
        for _ in range(80):
            yield bytes(65_536)

    refused = await upload(caller, chunked())
    assert refused.status_code == 413
    assert files(tmp_path) == []


async def test_only_so_many_come_at_once(caller, tmp_path):
    """The third of two is 429 and goes when one has ended; who goes away half-way leaves nothing."""
    going, more = asyncio.Semaphore(0), asyncio.Event()

    async def slowly():
        yield PHOTO[:1000]
        going.release()
        await more.wait()
        yield PHOTO[1000:]

    first, second = (asyncio.create_task(upload(caller, slowly())) for _ in range(2))
    await going.acquire()
    await going.acquire()
    assert [one.suffix for one in files(tmp_path)] == [".part", ".part"]
    busy = await upload(caller)
    assert (busy.status_code, busy.json().get("code")) == (429, "attachment.busy"), busy.text
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    more.set()
    assert (await first).status_code == 201
    assert (await upload(caller)).status_code == 201
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"upload_id": "0199a2b4-0000-7000-8000-00000000000a"}, "attachment.unknown"),
        ({"upload_id": "../etc/passwd"}, "attachment.unknown"),
        ({"digest": "sha256:" + "0" * 64}, "attachment.mismatch"),
        ({"size": 1}, "attachment.mismatch"),
    ],
)
async def test_a_document_names_only_what_is_there_and_as_it_is(caller, wrong, code):
    """An upload that is not there, or another digest or size than was uploaded: rejected, with its place."""
    told = (await upload(caller)).json()
    refused = await caller.platform(MOBILE, "POST", "/v1/messages", json=case(**{**told, **wrong}))
    assert refused.status_code == 422, refused.text
    assert refused.json()["code"] == code
    (field,) = wrong
    assert refused.json()["errors"][0]["field"] == f"attachments[0].{field}"


async def test_nobody_names_what_another_uploaded(caller):
    """A platform that has an id from somewhere can neither fetch the file nor have it sent to somebody."""
    told = (await upload(caller, platform="penalty.330000")).json()
    refused = await caller.platform(MOBILE, "POST", "/v1/messages", json=case(**told))
    assert refused.json()["code"] == "attachment.unknown"


async def test_a_page_that_was_uploaded_is_never_shown_as_one(caller):
    """HTML is given back as a file in a sandbox; a content type that is none is bytes."""
    page = await upload(caller, **{"content-type": "text/html"})
    shown = await caller.platform(MOBILE, "GET", f"/v1/attachments/{page.json()['upload_id']}")
    assert shown.headers["content-security-policy"].startswith("sandbox")
    odd = await upload(caller, **{"content-type": "nonsense"})
    shown = await caller.platform(MOBILE, "GET", f"/v1/attachments/{odd.json()['upload_id']}")
    assert shown.headers["content-type"] == "application/octet-stream"
