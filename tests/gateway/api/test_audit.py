"""The audit over REST: who sees it, what is proved, and evidence that holds outside until it is changed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace
from tsa_server import TimeStampAuthority, time_stamp_authority

from adapters.base import Reply
from gateway.audit.bundle import NOT_PROVED, check_bundle, not_proved
from gateway.audit.hashing import sha256
from gateway.audit.proofs import is_consistent, is_included, leaf_hash
from gateway.audit.signatures import is_head, is_receipt, leaf_content
from gateway.audit.signing import SigningKey, signed_head
from gateway.audit.stamps import read_roots
from gateway.delivery.sender import Sender
from gateway.hub.evidence import as_sent, shown_head
from gateway.hub.stamper import Stamper
from gateway.message import with_value
from schemas.catalog import TYPES, at

PENALTY = "penalty.330000"
MOBILE = "mobile-enforcement.330000"


@pytest.fixture
def signing(caller: Any) -> Any:
    """A gateway that signs, and whose deliveries the tests wait for."""
    return caller


async def accepted(caller: Any, execution: Any) -> dict[str, Any]:
    """Hand a document in, and let everything get its place."""
    answer = await caller.send(PENALTY, "execution", execution)
    assert answer.status_code == 202, answer.text
    await caller.hub.sequencer.grow()
    found: dict[str, Any] = answer.json()
    return found


async def test_a_receipt_is_proved(signing: Any, execution: Any) -> None:
    """By its leaf and by its message, to people and to whom it concerns; for another platform it is not there."""
    body = await accepted(signing, execution)
    head = (await signing.admin("GET", "/v1/audit/head")).json()
    assert is_head(head)
    assert is_receipt(body["receipt"], bytes.fromhex(head["public_key"]))
    for asked in (f"leaf={body['receipt']['leaf']}", f"message={body['message_id']}"):
        for who in (signing.admin, lambda *call: signing.call(signing.credentials[PENALTY], *call)):
            proof = (await who("GET", f"/v1/audit/proof?{asked}")).json()
            content = leaf_content(proof["kind"], proof["subject"], bytes.fromhex(proof["digest"]), proof["at"])
            assert leaf_hash(content).hex() == proof["leaf"] == body["receipt"]["leaf"]
            path = [bytes.fromhex(each) for each in proof["path"]]
            root, size = bytes.fromhex(proof["head"]["root"]), proof["head"]["size"]
            assert is_included(leaf_hash(content), proof["index"], size, path, root)
    unknown = await signing.admin("GET", f"/v1/audit/proof?leaf={'0' * 64}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "leaf.unknown")
    for query in ("", "?leaf=x", f"?leaf={'0' * 64}&message=m"):
        refused = await signing.admin("GET", f"/v1/audit/proof{query}")
        assert (refused.status_code, refused.json()["code"]) == (422, "proof.of-what")


async def test_heads_are_consistent(signing: Any, execution: Any) -> None:
    """A witness that kept a head is shown that nothing before it was rewritten."""
    await accepted(signing, execution)
    old = (await signing.admin("GET", "/v1/audit/head")).json()
    await signing.hub.ledger.note([])
    await signing.admin("PUT", "/v1/unwanted/justice/330000", json={"reason": "本省没有"})
    await signing.hub.sequencer.grow()
    new = (await signing.admin("GET", "/v1/audit/head")).json()
    assert old["size"] < new["size"]
    answer = await signing.admin("GET", f"/v1/audit/consistency?from={old['size']}&to={new['size']}")
    path = [bytes.fromhex(each) for each in answer.json()["path"]]
    roots = [bytes.fromhex(each["root"]) for each in (old, new)]
    assert is_consistent(old["size"], new["size"], *roots, path)
    beyond = await signing.admin("GET", "/v1/audit/consistency?from=1&to=1000000")
    assert (beyond.status_code, beyond.json()["code"]) == (404, "tree.size-unknown")


async def test_the_audit_is_searched(signing: Any) -> None:
    """By who did what."""
    found = (await signing.admin("GET", "/v1/audit?action=platform.put&limit=1")).json()
    assert [one["action"] for one in found["entries"]] == ["platform.put"]
    assert found["cursor"]
    assert (await signing.admin("GET", "/v1/audit?actor=nobody")).json()["entries"] == []


@pytest.fixture
async def bundle(signing: Any, execution: Any) -> bytes:
    """The evidence of a message."""
    body = await accepted(signing, execution)
    answer = await signing.admin("GET", f"/v1/messages/{body['message_id']}/evidence")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    content: bytes = answer.content
    return content


def changed(bundle: bytes, change: Callable[[dict[str, bytes]], None]) -> io.BytesIO:
    """The bundle with its files changed."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as old:
        files = {name: old.read(name) for name in old.namelist()}
    change(files)
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as new:
        for name, content in files.items():
            new.writestr(name, content)
    return output


async def test_evidence_holds_by_its_own_script(bundle: bytes, tmp_path: Path) -> None:
    """The script inside, run by a Python that knows nothing of the gateway, and with the head of a witness."""
    file = tmp_path / "evidence.zip"
    file.write_bytes(bundle)
    with zipfile.ZipFile(file) as opened:
        (tmp_path / "verify.py").write_bytes(opened.read("verify.py"))
        index = json.loads(opened.read("evidence.json"))
    (tmp_path / "heads.json").write_text(json.dumps(index["head"]))
    command = [sys.executable, "-I", str(tmp_path / "verify.py"), str(file), "--heads", str(tmp_path / "heads.json")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the evidence holds" in done.stdout


async def test_evidence_has_the_time_stamp_that_covers_it(signing: Any, execution: Any, tmp_path: Path) -> None:
    """Verified offline by the certificates that are given: by the gateway, the script inside, and OpenSSL itself."""
    body = await accepted(signing, execution)
    async with time_stamp_authority(tmp_path) as authority:
        sender = Sender(allow={"http", "loopback"})
        roots, every = read_roots(authority.ca.read_bytes()), timedelta(hours=1)
        await Stamper(signing.hub.ledger, authority.url, roots, sender, signing.hub.clock, every=every).look()
        await sender.close()
        other = TimeStampAuthority(tmp_path)  # writes other certificates over its own, under the same name
        believed = authority.ca.with_name("believed.pem")
        believed.write_bytes(roots[0].public_bytes(Encoding.PEM))
    content = (await signing.admin("GET", f"/v1/messages/{body['message_id']}/evidence")).content
    assert check_bundle(io.BytesIO(content), roots=roots) == []
    [told] = check_bundle(io.BytesIO(content), roots=read_roots(other.ca.read_bytes()))
    assert told.startswith("the time-stamp of the head of size ")
    file = tmp_path / "evidence.zip"
    file.write_bytes(content)
    with zipfile.ZipFile(file) as opened:
        opened.extractall(tmp_path)
    command = [sys.executable, str(tmp_path / "verify.py"), str(file), "--tsa-ca", str(believed)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "by a time-stamp" in done.stdout
    [answer] = tmp_path.glob("stamps/*.tsr")
    command = ["openssl", "ts", "-verify", "-in", str(answer), "-data", str(answer.with_suffix(".head"))]
    done = subprocess.run([*command, "-CAfile", str(believed)], capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout + done.stderr


def _of_index(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, bytes]], None]:
    def do(files: dict[str, bytes]) -> None:
        index = json.loads(files["evidence.json"])
        change(index)
        files["evidence.json"] = json.dumps(index).encode()

    return do


def _other_bytes(files: dict[str, bytes]) -> None:
    [name] = [name for name in files if name.startswith("received/")]
    files[name] += b" "


def _other_document(files: dict[str, bytes]) -> None:
    [name] = [name for name in files if name.startswith("documents/")]
    files[name] = json.dumps({**json.loads(files[name]), "fine": "1.00"}).encode()


def _other_document_alone(files: dict[str, bytes]) -> None:
    _of_index(_set("messages", 0, "received", to=None))(files)
    _other_document(files)


def _invented(index: dict[str, Any]) -> None:
    entry = {**index["messages"][0]["audit"][0], "action": "body.read", "actor": "li-na"}
    index["messages"][0]["audit"].append(entry)


def _set(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(index: dict[str, Any]) -> None:
        at: Any = index
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = to

    return change


TAMPERED = {
    "bytes received": (_other_bytes, "the bytes received are others"),
    "source": (_of_index(_set("messages", 0, "source", to="x")), "its source is another"),
    "leaf": (_of_index(_set("messages", 0, "leaves", 0, "at", to=1)), "is not in the tree"),
    "place": (_of_index(_set("messages", 0, "leaves", 0, "index", to=0)), "is not in the tree"),
    "statement": (_of_index(_set("messages", 0, "leaves", 0, "statement", to="{}")), "its statement was changed"),
    "no leaf": (_of_index(_set("messages", 0, "leaves", to=[])), "instead of one"),
    "root": (_of_index(_set("head", "root", to="00" * 32)), "the head was not signed"),
    "document": (_other_document, "its document is another"),
    "document without what was received": (_other_document_alone, "its document is another"),
    "digest": (_of_index(_set("messages", 0, "digest", to="x")), "its digest is another"),
    "entry invented": (_of_index(_invented), "no leaf states the entry body.read"),
    "entry changed": (_of_index(_set("messages", 0, "audit", 1, "actor", to="x")), "no leaf states the entry"),
    "entry at another time": (
        _of_index(_set("messages", 0, "audit", 1, "at", to="2020-01-01T00:00:00+00:00")),
        "no leaf states the entry",
    ),
    "entry removed": (_of_index(lambda index: index["messages"][0]["audit"].pop()), "of the audit is missing"),
    "acceptance changed": (_of_index(_set("messages", 0, "audit", 0, "actor", to="x")), "the entry message.accepted"),
    "no message": (_of_index(_set("messages", to=[])), "it has no message"),
    "no head": (_of_index(lambda index: index.pop("head")), "no whole bundle"),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_evidence_that_was_changed_does_not_hold(bundle: bytes, what: str) -> None:
    """Whatever was changed is told first."""
    change, told = TAMPERED[what]
    found = check_bundle(changed(bundle, change))
    assert found
    assert told in found[0]


async def test_a_witness_contradicts_evidence(bundle: bytes) -> None:
    """A head of the same size holds; one that nobody signed, or that cannot be compared, does not."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened:
        head = json.loads(opened.read("evidence.json"))["head"]
    assert check_bundle(io.BytesIO(bundle), [head]) == []
    assert check_bundle(io.BytesIO(b"no zip"))[0].startswith("this is no whole bundle")
    [told] = check_bundle(io.BytesIO(bundle), [{**head, "root": "00" * 32}])
    assert "is not signed" in told
    [told] = check_bundle(io.BytesIO(bundle), [{**head, "size": head["size"] + 1}])
    assert "no head that was kept elsewhere can be compared" in told


async def test_evidence_continues_the_head_of_a_witness(signing: Any, execution: Any) -> None:
    """One that is older is compared where the bundle was fetched with its size; another past is told."""
    body = await accepted(signing, execution)
    old = (await signing.admin("GET", "/v1/audit/head")).json()
    await signing.admin("PUT", "/v1/unwanted/justice/330000", json={"reason": "本省没有"})
    path = f"/v1/messages/{body['message_id']}/evidence"
    bundle = io.BytesIO((await signing.admin("GET", f"{path}?head={old['size']}")).content)
    assert check_bundle(bundle, [old]) == []
    small = {**old, "size": 1}
    [told] = check_bundle(bundle, [old, small])
    assert "cannot be compared: fetch the bundle with ?head=1, too" in told
    forged = signed_head(signing.hub.ledger.real._store.key, old["origin"], old["size"], b"x" * 32, 1)
    [told] = check_bundle(bundle, [shown_head(forged, bytes.fromhex(old["public_key"]))])
    assert "the past was rewritten" in told
    beyond = await signing.admin("GET", f"{path}?head=1000000")
    assert (beyond.status_code, beyond.json()["code"]) == (404, "tree.size-unknown")


async def test_who_reads_a_body_is_recorded(signing: Any, execution: Any) -> None:
    """Before it is given out, with a leaf; neither in the message's timeline, nor where nothing may be read."""
    body = await accepted(signing, execution)
    path = f"/v1/messages/{body['message_id']}/native"
    tokens = {}
    for role in ("body-reader", "viewer"):
        order = {"id": f"a-{role}", "name": "王伟", "roles": [role]}
        tokens[role] = (await signing.admin("POST", "/v1/people", json=order)).json()["token"]
    assert (await signing.call(tokens["viewer"], "GET", path)).status_code == 403
    assert (await signing.call(tokens["body-reader"], "GET", path)).status_code == 200
    [read] = (await signing.admin("GET", "/v1/audit?action=body.read")).json()["entries"]
    assert (read["actor"], read["subject"]) == ("a-body-reader", body["message_id"])
    assert read["detail"] == {"part": "native"}
    await signing.hub.sequencer.grow()
    leaves = await signing.hub.ledger.leaves_of(body["message_id"])
    assert [each.leaf.kind for each in leaves] == ["accepted", "done"]
    shown = (await signing.admin("GET", f"/v1/messages/{body['message_id']}")).json()
    assert "body.read" not in [entry["action"] for entry in shown["timeline"]]
    signing.hub.ledger.fail_before("note")
    assert (await signing.call(tokens["body-reader"], "GET", path)).status_code == 503


async def test_evidence_of_a_case_and_its_reading(signing: Any, execution: Any) -> None:
    """All of its documents; who fetched it stands in the audit, before it was given out."""
    body = await accepted(signing, execution)
    message = await signing.hub.ledger.message(body["message_id"])
    number = next(value for name, value in message.keys.items() if name == "case_number")
    answer = await signing.admin("GET", f"/v1/cases/{number}/evidence")
    assert answer.status_code == 200, answer.text
    assert check_bundle(io.BytesIO(answer.content)) == []
    found = (await signing.admin("GET", "/v1/audit?action=evidence.read")).json()["entries"]
    assert [(one["actor"], one["subject"]) for one in found] == [("admin", message.correlation_id)]
    for path in ("/v1/messages/none/evidence", "/v1/cases/none/evidence"):
        assert (await signing.admin("GET", path)).status_code == 404


def _attempt(index: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = _delivery(index)["attempts"][-1]
    return found


def _delivery(index: dict[str, Any]) -> dict[str, Any]:
    [found] = [one for one in index["messages"][0]["deliveries"] if one["attempts"]]
    return found


def _to(where: Callable[[dict[str, Any]], dict[str, Any]], field: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda index: where(index).update({field: value})


def _untried(index: dict[str, Any]) -> None:
    """Take the attempts out, with their leaves."""
    delivery = _delivery(index)
    delivery.update(attempts=[], leaves=[leaf for leaf in delivery["leaves"] if leaf["kind"] != "ended"])


def _not_replayed(index: dict[str, Any]) -> None:
    _delivery(index)["audit"] = []


_LONG_AGO = "2020-01-01T00:00:00+00:00"

DELIVERY_TAMPERED = {
    "state": (_to(_delivery, "state", "refused"), "its state is another"),
    "state of what people do": (_to(_delivery, "state", "discarded"), "no leaf states that it was discarded"),
    "platform": (_to(_delivery, "platform", "x"), "its platform is another"),
    "reason": (_to(_delivery, "reason", "x"), "its reason is another"),
    "code": (_to(_delivery, "code", "x"), "its code is another"),
    "reference": (_to(_delivery, "reference", "x"), "its reference is another"),
    "verdict": (_to(_attempt, "verdict", "x"), "its verdict is another"),
    "receipt": (_to(_attempt, "receipt", "late"), "its receipt is another"),
    "start": (_to(_attempt, "started_at", _LONG_AGO), "its started_at is another"),
    "end": (_to(_attempt, "ended_at", _LONG_AGO), "its ended_at is another"),
    "number": (_to(_attempt, "number", 7), "no leaf states it"),
    "attempt removed": (lambda index: _delivery(index)["attempts"].pop(), "it is missing"),
    "attempt twice": (lambda index: _delivery(index)["attempts"].append(_attempt(index)), "there twice"),
    "attempts removed with their leaves": (_untried, "its state is another"),
    "replay removed": (_not_replayed, "the entry delivery.replayed of the audit is missing"),
}


async def test_evidence_of_a_delivery_that_was_changed_does_not_hold(signing: Any, dead: str) -> None:
    """Dead, replayed, delivered: its evidence holds each time, and not once anything that a leaf states was changed."""
    message = (await signing.admin("GET", f"/v1/deliveries/{dead}")).json()["message_id"]
    path = f"/v1/messages/{message}/evidence"
    assert check_bundle(io.BytesIO((await signing.admin("GET", path)).content)) == []
    signing.sender.reply = Reply(200, {}, b'{"code": "0000", "data": {"id": "7"}}')
    replayed = await signing.admin("POST", f"/v1/deliveries/{dead}/replay", json={"reason": "平台已恢复"})
    assert replayed.status_code == 200
    assert (await signing.outcome()).state == "delivered"
    bundle = (await signing.admin("GET", path)).content
    assert check_bundle(io.BytesIO(bundle)) == []
    for what, (change, told) in DELIVERY_TAMPERED.items():
        found = check_bundle(changed(bundle, _of_index(change)))
        assert any(told in each for each in found), (what, found)


async def test_what_evidence_does_not_prove_is_told(bundle: bytes) -> None:
    """Always what nothing proves; and what is not in the bundle."""
    assert not_proved(io.BytesIO(bundle)) == [NOT_PROVED]
    told = not_proved(changed(bundle, _of_index(_set("messages", 0, "received", to=None))))
    assert any("(received)" in each for each in told)


async def test_only_a_known_key_is_trusted(bundle: bytes) -> None:
    """A bundle that somebody else signed whole holds by itself, and not beside the key's published id."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened:
        head = json.loads(opened.read("evidence.json"))["head"]
    other = SigningKey.new()
    forged = signed_head(other, head["origin"], head["size"], bytes.fromhex(head["root"]), head["at"])
    forgery = changed(bundle, _of_index(_set("head", to=shown_head(forged, other.public))))
    assert check_bundle(forgery) == []
    [told] = check_bundle(forgery, key_ids=[head["key_id"]])
    assert f"the key {other.id}, which is none" in told
    assert check_bundle(io.BytesIO(bundle), key_ids=[head["key_id"]]) == []


async def test_evidence_of_what_was_given_up_holds(signing: Any, dead: str) -> None:
    """A dead delivery that somebody discarded is discarded by a leaf, with its reason, and not otherwise."""
    message = (await signing.admin("GET", f"/v1/deliveries/{dead}")).json()["message_id"]
    discarded = await signing.admin("POST", f"/v1/deliveries/{dead}/discard", json={"reason": "重复"})
    assert discarded.status_code == 200
    bundle = (await signing.admin("GET", f"/v1/messages/{message}/evidence")).content
    assert check_bundle(io.BytesIO(bundle)) == []
    for field, value in (("state", "dead"), ("reason", "x")):
        [told] = check_bundle(changed(bundle, _of_index(_to(_delivery, field, value))))
        assert "no leaf states that it was discarded" in told


async def test_a_document_is_shown_as_it_was_sent(signing: Any, execution: Any) -> None:
    """With the sender's own number, where another replaced it since: so its digest can be compared."""
    body = await accepted(signing, execution)
    message = await signing.hub.ledger.message(body["message_id"])
    path = next(each for each in TYPES[message.type].numbers if at(message.document, each) is not None)
    own, field = at(message.document, path), path.rpartition(".")[2]
    tied = replace(message, document=with_value(message.document, path, "另一号"), raw_numbers={field: own})
    for one in (message, tied):
        written = as_sent(one)
        assert written is not None
        assert sha256(written).hex() == message.digest
    assert as_sent(replace(message, document={})) is None
