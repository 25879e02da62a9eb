"""Verify a bundle of evidence: its proofs, and that its files are what its leaves state."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.audit.hashing import sha256
from gateway.audit.proofs import is_consistent, is_included, leaf_hash
from gateway.audit.signatures import is_head, leaf_content, text_of_head
from gateway.audit.stamps import StampFault, stamped_at

NOT_PROVED = (
    "not proved: that nothing was left out (deliveries, attempts or entries, each with its leaves); methods, paths and "
    "headers of requests, and when what was sent is not here any more, its bytes; which message a delivery was of; "
    "times, numbers and notes of messages and deliveries that no leaf states"
)
"""What no bundle proves, however it is verified."""


def check_bundle(
    file: Any, heads: Sequence[Mapping[str, Any]] = (), key_ids: Collection[str] = (), roots: Sequence[Any] = ()
) -> list[str]:
    """Verify a bundle of evidence (a zip, or its path) and give what is wrong, the first leaf first; nothing: it holds.

    `heads`: heads that were kept elsewhere. The bundle's own must begin with each that is not larger, so the bundle
    must have been fetched with their sizes (`?head=SIZE`). `key_ids`: the keys that are trusted; without any, whoever
    made a key of his own could have made the bundle. `roots`: certificates by which time-stamps are believed; without
    any they are not verified.
    """
    wrong: list[str] = []
    try:
        with zipfile.ZipFile(file) as bundle:
            for each in _wrong(json.loads(bundle.read("evidence.json")), bundle, heads, key_ids, roots):
                wrong.append(each)
    except (zipfile.BadZipFile, KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        wrong.append(f"this is no whole bundle of evidence: {type(error).__name__} {error}")
    return wrong


def key_of(file: Any) -> str:
    """Give the id of the key that a bundle of evidence was signed with; `check_bundle` tells whether it was."""
    with zipfile.ZipFile(file) as bundle:
        return str(json.loads(bundle.read("evidence.json"))["head"]["key_id"])


def not_proved(file: Any) -> list[str]:
    """Tell what a bundle that holds does not prove."""
    found = [NOT_PROVED]
    with zipfile.ZipFile(file) as bundle:
        index = json.loads(bundle.read("evidence.json"))
    for message in index["messages"]:
        for name in ("received", "document"):
            if message[name] is None:
                found.append(f"not here: what message {message['id']} was ({name})")
        for delivery in message["deliveries"]:
            there = {attempt["number"] for attempt in delivery["attempts"]}
            for number in range(1, max(there, default=0)):
                if number not in there:
                    found.append(
                        f"not here: attempt {number} of delivery {delivery['id']}; it was broken off, or taken out"
                    )
            for leaf in delivery["leaves"]:
                if leaf["statement"] is None and leaf["kind"] == "ended":
                    found.append(f"not here: what leaf {leaf['index']} states of delivery {delivery['id']}")
    return found


def _wrong(
    index: Mapping[str, Any],
    bundle: zipfile.ZipFile,
    heads: Sequence[Mapping[str, Any]],
    key_ids: Collection[str],
    roots: Sequence[Any],
) -> Iterator[str]:
    head = index["head"]
    if not is_head(head):
        yield "the head was not signed with the key that it names"
        return
    if key_ids and head["key_id"] not in key_ids:
        yield f"the head was signed with the key {head['key_id']}, which is none of those that are trusted"
    yield from _against(head, {one["size"]: one["path"] for one in index["consistency"]}, heads)
    yield from _wrong_stamps(index.get("stamps", ()), head, bundle, roots)
    root = bytes.fromhex(head["root"])
    if not index["messages"]:
        yield "it has no message"
    for message in index["messages"]:
        yield from _wrong_leaves(message["leaves"], head["size"], root, message["id"])
        yield from _wrong_message(message, bundle)
        yield from _wrong_audit(message)
        for delivery in message["deliveries"]:
            yield from _wrong_leaves(delivery["leaves"], head["size"], root, delivery["id"])
            yield from _wrong_delivery(delivery, bundle)
            yield from _wrong_outcome(delivery)
            yield from _wrong_audit(delivery)


def _against(
    head: Mapping[str, Any], paths: Mapping[int, Sequence[str]], heads: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    paths = {**paths, head["size"]: []}
    comparable = [kept for kept in heads if kept.get("size") in paths]
    if heads and not comparable:
        yield "no head that was kept elsewhere can be compared: fetch the bundle with ?head=SIZE of one of them"
    elif apart := sorted({kept["size"] for kept in heads if kept["size"] < head["size"] and kept["size"] not in paths}):
        sizes = "&".join(f"head={size}" for size in apart)
        yield f"heads that were kept elsewhere cannot be compared: fetch the bundle with ?{sizes}, too"
    for kept in comparable:
        if not is_head(kept):
            yield f"the head of size {kept.get('size')} that was kept elsewhere is not signed"
        elif kept["origin"] != head["origin"]:
            yield f"the head of size {kept['size']} that was kept elsewhere is of another ledger"
        elif not _continues(head, kept, paths[kept["size"]]):
            yield f"the head of size {kept['size']} was another when it was kept elsewhere: the past was rewritten"


def _continues(head: Mapping[str, Any], older: Mapping[str, Any], path: Sequence[str]) -> bool:
    """Tell whether a head begins with all of an older one."""
    roots = bytes.fromhex(older["root"]), bytes.fromhex(head["root"])
    hashes = [bytes.fromhex(each) for each in path]
    return older["origin"] == head["origin"] and is_consistent(older["size"], head["size"], *roots, hashes)


def _wrong_stamps(
    stamps: Sequence[Mapping[str, Any]], head: Mapping[str, Any], bundle: zipfile.ZipFile, roots: Sequence[Any]
) -> Iterator[str]:
    for stamp in stamps if roots else ():
        stamped = stamp["head"]
        name = f"the time-stamp of the head of size {stamped['size']}"
        if not is_head(stamped) or not _continues(head, stamped, stamp["path"]):
            yield f"{name}: the bundle's own head does not continue that head"
        try:
            at = stamped_at(bundle.read(stamp["answer"]), text_of_head(stamped), roots)
        except StampFault as fault:
            yield f"{name}: {fault}"
        else:
            if (at - _EPOCH) // timedelta(microseconds=1) != _micros(stamp["at"]):
                yield f"{name}: it is of another moment"


def stamped(file: Any) -> list[str]:
    """Tell what the time-stamps of a bundle say that `check_bundle` verified."""
    with zipfile.ZipFile(file) as bundle:
        stamps = json.loads(bundle.read("evidence.json")).get("stamps", ())
    return [f"the first {one['head']['size']} leaves were there at {one['at']}, by a time-stamp" for one in stamps]


def _wrong_leaves(leaves: Sequence[Mapping[str, Any]], size: int, root: bytes, subject: str) -> Iterator[str]:
    for leaf in leaves:
        name = f"leaf {leaf['index']} ({leaf['kind']} {leaf['subject']})"
        digest, path = bytes.fromhex(leaf["digest"]), [bytes.fromhex(each) for each in leaf["path"]]
        hashed = leaf_hash(leaf_content(leaf["kind"], leaf["subject"], digest, leaf["at"]))
        if leaf["subject"] != subject:
            yield f"{name} is not about {subject}"
        if hashed.hex() != leaf["leaf"] or not is_included(hashed, leaf["index"], size, path, root):
            yield f"{name} is not in the tree that the head tells of"
        statement = leaf["statement"]
        if statement is not None and sha256(statement.encode()) != digest:
            yield f"{name}: its statement was changed"


def _stated(leaves: Sequence[Mapping[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Give what the leaves of a kind state, in the order of the tree; `at`: the moment that the leaf itself tells."""
    return [
        {**json.loads(leaf["statement"]), "at": leaf["at"]}
        for leaf in sorted(leaves, key=lambda leaf: int(leaf["index"]))
        if leaf["kind"] == kind and leaf["statement"] is not None
    ]


def _wrong_message(message: Mapping[str, Any], bundle: zipfile.ZipFile) -> Iterator[str]:
    stated = _stated(message["leaves"], "accepted")
    if len(stated) != 1:
        yield f"message {message['id']}: {len(stated)} leaves state that it was accepted as it is here, instead of one"
        return
    told = stated[0]
    if message["received"] is not None:
        if _digest(bundle, message["received"]) != told["received"]:
            yield f"message {message['id']}: the bytes received are others"
        if message["record"] != told["record"]:
            yield f"message {message['id']}: its record is another"
    if message["document"] is not None and _digest(bundle, message["document"]) != told["document"]:
        yield f"message {message['id']}: its document is another"
    if message["digest"] != told["document"]:
        yield f"message {message['id']}: its digest is another"
    for field in ("type", "source", "operation", "region", "adapter"):
        if message[field] != told[field]:
            yield f"message {message['id']}: its {field} is another"


# Python 3.9 has no `datetime.UTC`.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(moment: str) -> int:
    return (datetime.fromisoformat(moment.replace("Z", "+00:00")) - _EPOCH) // timedelta(microseconds=1)


def _text(value: Any) -> Any:
    """Give a text as statements have it: U+0000 is its symbol there."""
    return value.replace("\x00", "\u2400") if isinstance(value, str) else value


def _wrong_audit(about: Mapping[str, Any]) -> Iterator[str]:
    """Compare the entries of the audit about a message or delivery with their leaves: each has one, and each is there.

    That a message was accepted is no entry of the audit; it is shown first among them, as its own leaf tells it.
    """
    for leaf in about["leaves"]:
        if leaf["kind"] == "done" and leaf["statement"] is None:
            yield f"leaf {leaf['index']} (done {leaf['subject']}): the entry that it states is not here"
    left = _stated(about["leaves"], "done")
    accepted = [{**one, "reason": "", "detail": {}} for one in _stated(about["leaves"], "accepted")]
    for entry in about["audit"]:
        if accepted and entry["action"] == "message.accepted":
            told = accepted.pop()
            kept = (entry["actor"], entry["subject"], entry["reason"], entry["detail"])
            if kept != (told["source"], told["message"], told["reason"], told["detail"]):
                yield f"{about['id']}: the entry message.accepted is another than what was accepted"
            continue
        detail = {name: _text(value) for name, value in entry["detail"].items()}
        shown = {name: entry[name] for name in ("action", "actor", "subject")}
        shown.update(detail=detail, reason=_text(entry["reason"]), at=_micros(entry["at"]))
        if shown in left:
            left.remove(shown)
        else:
            yield f"{about['id']}: no leaf states the entry {entry['action']} of the audit as it is here"
    for one in left:
        yield f"{about['id']}: the entry {one['action']} of the audit is missing"


def _wrong_delivery(delivery: Mapping[str, Any], bundle: zipfile.ZipFile) -> Iterator[str]:
    ended = _stated(delivery["leaves"], "ended")
    stated = {each["number"]: each for each in ended if "number" in each}
    numbers = [attempt["number"] for attempt in delivery["attempts"]]
    for attempt in delivery["attempts"]:
        name, told = f"delivery {delivery['id']}, attempt {attempt['number']}", stated.get(attempt["number"])
        if told is None:
            yield f"{name}: no leaf states it as it is here"
            continue
        for field in ("verdict", "status", "reference", "reason", "code", "receipt"):
            if _text(attempt[field]) != told[field]:
                yield f"{name}: its {field} is another"
        for field in ("level", "answered"):  # not stated of attempts of earlier versions
            if field in told and attempt.get(field) != told[field]:
                yield f"{name}: its {field} is another"
        for field, at in (("started_at", told["started_at"]), ("ended_at", told["at"])):
            if _micros(attempt[field]) != at:
                yield f"{name}: its {field} is another"
        if attempt["reply"] is not None and _digest(bundle, attempt["reply"]) != told["reply"]:
            yield f"{name}: the reply is another"
        if delivery["request"] is not None and _digest(bundle, delivery["request"]["body"]) != told["sent"]:
            yield f"{name}: the bytes sent are others"
    yield from _wrong_levels(delivery)
    for number in sorted(set(stated) - set(numbers)):
        yield f"delivery {delivery['id']}, attempt {number}: it is missing"
    if len(set(numbers)) != len(numbers):
        yield f"delivery {delivery['id']}: an attempt is there twice"
    if any(each["platform"] != delivery["platform"] for each in ended):
        yield f"delivery {delivery['id']}: its platform is another"


_LEVELS = ("transport", "schema", "business")


def _wrong_levels(delivery: Mapping[str, Any]) -> Iterator[str]:
    """Compare the levels that a delivery is said to have reached with its attempts."""
    shown = []
    for at, level in enumerate(_LEVELS):
        for attempt in delivery["attempts"]:
            if attempt.get("level") and attempt.get("answered") and _LEVELS.index(attempt["level"]) >= at:
                proof = {"at": attempt["ended_at"], "digest": attempt["answered"], "attempt": attempt["number"]}
                shown.append({"level": level, **proof})
                break
    if delivery.get("levels", shown) != shown:
        yield f"delivery {delivery['id']}: the levels that it reached are others"


_AFTER: Mapping[str | None, Collection[str]] = {
    "accepted": ("delivered",),
    "refused": ("refused",),
    "dead": ("dead",),
    "retry": ("waiting", "ready", "sending", "dead"),
    "credentials": ("ready", "sending"),
    None: ("unrouted", "ready", "sending"),
}
"""Where a delivery may stand, by the verdict of its last attempt: a platform may fetch it, or its lease may lapse."""


def _wrong_outcome(delivery: Mapping[str, Any]) -> Iterator[str]:
    """Compare where a delivery stands with its last attempt and with what people did, as far as leaves state that."""
    if any(leaf["statement"] is None for leaf in delivery["leaves"]):
        return
    ended, done = _stated(delivery["leaves"], "ended"), _stated(delivery["leaves"], "done")
    last = ended[-1] if ended else None
    name, state = f"delivery {delivery['id']}", delivery["state"]
    discarded = [one["reason"] for one in done if one["action"] == "delivery.discarded"]
    replayed = any(one["action"] == "delivery.replayed" for one in done)
    if state == "discarded" or discarded:
        if state != "discarded" or _text(delivery["reason"]) not in discarded:
            yield f"{name}: no leaf states that it was discarded as it is here"
    elif state not in _AFTER[last["verdict"] if last else None] and not (replayed and state in ("ready", "sending")):
        yield f"{name}: its state is another than its last attempt left"
    elif last and state in ("delivered", "refused", "dead", "waiting"):
        for field in ("reason", "code"):
            if _text(delivery[field]) != last[field]:
                yield f"{name}: its {field} is another"
    references = [one["reference"] for one in ended if one.get("reference")]
    if _text(delivery["reference"]) != (references[-1] if references else None):
        yield f"{name}: its reference is another"


def _digest(bundle: zipfile.ZipFile, name: str) -> str:
    return hashlib.sha256(bundle.read(name)).hexdigest()
