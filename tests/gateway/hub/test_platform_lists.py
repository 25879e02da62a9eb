"""A platform's list is read strictly and within bounds, however long it is."""

from __future__ import annotations

import hashlib
import resource
from collections.abc import Iterator

import pytest

from gateway.errors import Invalid
from gateway.hub.platform_lists import LONGEST, ListReader, Sorted

DIGEST = "ab" * 32
ID = "0198c2aa-0000-7000-8000-000000000001"


def read(*pieces: bytes, is_csv: bool = False) -> list[tuple[str, str | None]]:
    """Read a whole list."""
    reader = ListReader(is_csv=is_csv)
    found = [line for piece in pieces for line in reader.read(piece)]
    reader.end()
    return found


@pytest.fixture
def lines() -> Iterator[Sorted]:
    """Nothing yet."""
    made = Sorted()
    yield made
    made.close()


def test_a_list_is_ids_with_digests_or_without() -> None:
    """NDJSON; digests in either way they are written, and ids that are UUIDs in small letters."""
    body = f'{{"id": "{ID.upper()}"}}\r\n\n{{"id": "k-1", "digest": "sha256:{DIGEST}"}}\n'
    assert read(body.encode()) == [(ID, None), ("k-1", DIGEST)]
    assert read(b"") == []


def test_a_list_may_be_csv() -> None:
    """With a heading, its columns in any order and further ones beside them; a byte-order mark is no part of it."""
    body = f"\ufeffname,Digest,ID\n某,{DIGEST.upper()},a-1\n,-,a-2\n,,a-3\n"
    assert read(body.encode(), is_csv=True) == [("a-1", DIGEST), ("a-2", None), ("a-3", None)]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pieces_may_end_anywhere(size: int) -> None:
    """Also in the middle of a character."""
    body = 'id,名称\na-1,"杭州"\na-2,b\n'.encode()
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    assert read(*pieces, is_csv=True) == [("a-1", None), ("a-2", None)]


@pytest.mark.parametrize(
    ("body", "is_csv", "code"),
    [
        (b'{"id": "a-1"}\n{"id": "a', False, "list.cut"),
        (b'{"id": "a-1"}', False, "list.cut"),  # whole as it looks: the next character may be missing
        (b"id\na-1\na-", True, "list.cut"),
        ('{"id": "杭"}\n'.encode("gbk"), False, "list.charset"),
        ("id,名称\n".encode("gbk"), True, "list.charset"),
        ('{"id": "a-1"}\n'.encode("utf-16"), False, "list.charset"),
        (b"a-1\n", False, "list.unreadable"),
        (b'["a-1"]\n', False, "list.unreadable"),
        (b'{"key": "a-1"}\n', False, "list.unreadable"),
        (b'{"id": 7}\n', False, "list.unreadable"),
        (b'{"id": "a-1", "digest": 7}\n', False, "list.unreadable"),
        (b"[" * 900 + b"\n", False, "list.unreadable"),
        (b"name\na\n", True, "list.unreadable"),
        (b"id,digest\na-1\n", True, "list.unreadable"),
        (b'id\n"a-1\n', True, "list.unreadable"),
        ('{"id": "杭州"}\n'.encode(), False, "list.id"),
        (b'{"id": ""}\n', False, "list.id"),
        (b'{"id": "a 1"}\n', False, "list.id"),
        (b'{"id": "a-1", "digest": "abc"}\n', False, "list.digest"),
        (b'{"id": "' + b"x" * LONGEST + b'"}\n', False, "list.line-too-long"),
        (b"x" * (LONGEST + 1), False, "list.line-too-long"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(body: bytes, is_csv: bool, code: str) -> None:
    """The first one, with what is wrong: nothing of such a list counts."""
    with pytest.raises(Invalid) as error:
        read(body, is_csv=is_csv)
    assert error.value.code == code
    assert "Line " in error.value.detail.en


def test_a_list_has_so_many_lines_at_most() -> None:
    """Blank ones count, too: they are work."""
    reader = ListReader(is_csv=False, most=3)
    list(reader.read(b"\n\n\n"))
    with pytest.raises(Invalid) as error:
        list(reader.read(b"\n"))
    assert error.value.code == "list.too-many"


def test_two_hundred_thousand_lines_take_little_memory(lines: Sorted) -> None:
    """They are sorted on the disk; the digest is the one that anybody computes of the sorted lines."""
    reader, number = ListReader(is_csv=False), 200_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for start in range(0, number, 1000):
        piece = b"".join(b'{"id": "d-%06d", "digest": "%064x"}\n' % (number - n, n) for n in range(start, start + 1000))
        lines.add(reader.read(piece))
    reader.end()
    counted = lines.counted()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 24 * 1024  # they alone are 46 MB
    expected = "".join(f"d-{number - n:06d} {n:064x}\n" for n in reversed(range(number)))
    assert (counted[""].count, counted[""].digest) == (number, hashlib.sha256(expected.encode()).hexdigest())


def test_an_id_that_comes_again_is_counted(lines: Sorted) -> None:
    """Its first digest stays."""
    lines.add([("a", DIGEST), ("b", None), ("a", None)])
    lines.add([("a", "cd" * 32)])
    assert lines.after("", 10) == [("a", DIGEST, 3), ("b", None, 1)]
    assert (lines.after("", 1), lines.after("b", 1)) == ([("a", DIGEST, 3)], [])
    assert lines.counted()[""].count == 2


def test_what_is_known(lines: Sorted) -> None:
    """Asked for many at once."""
    lines.know(f"d-{n}" for n in range(0, 1000, 2))
    lines.know(["d-0"])
    assert lines.unknown([f"d-{n}" for n in range(1000)]) == {f"d-{n}" for n in range(1, 1000, 2)}


def test_counted_by_type(lines: Sorted) -> None:
    """Each type has a digest of its own; nothing at all has that of no bytes."""
    assert lines.counted()[""].digest == hashlib.sha256().hexdigest()
    lines.add([("b", None)], "permit.changed")
    lines.add([("a", DIGEST)], "penalty.decided")
    counted = lines.counted()
    assert {name: one.count for name, one in counted.items()} == {"": 2, "penalty.decided": 1, "permit.changed": 1}
    assert counted["permit.changed"].digest == hashlib.sha256(b"b -\n").hexdigest()
    assert counted[""].digest == hashlib.sha256(f"a {DIGEST}\nb -\n".encode()).hexdigest()
