from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.sql.codecs import joined, pack, pack_json, pack_words, unpack, unpack_json, unpack_list


@given(st.binary(max_size=2000))
def test_unpacked_as_packed(content: bytes) -> None:
    """Whatever is packed comes back exactly."""
    assert unpack(pack(content)) == content


def test_compressed_where_that_is_smaller() -> None:
    """Repetitive bytes get smaller, and no bytes grow by more than one."""
    assert len(pack(b"abc" * 1000)) < 100
    assert len(pack(b"")) == 1
    assert len(pack(bytes(range(256)))) <= 257


def test_json() -> None:
    """JSON comes back as it was; what is no JSON is refused, or kept as its words where a native value is quoted."""
    assert unpack_json(pack_json({"案号": [1, 2.5, None, "x"]})) == {"案号": [1, 2.5, None, "x"]}
    with pytest.raises(TypeError):
        pack_json({"x": 1j})
    assert unpack_json(pack_words({"x": 1j})) == {"x": "1j"}


@given(st.lists(st.lists(st.one_of(st.integers(-9, 9), st.text(max_size=300)), max_size=4), max_size=5))
def test_joined_lists(parts: list[list[object]]) -> None:
    """Packed lists that were joined come back as one list, and one that was not as itself."""
    assert unpack_list(joined([pack_json(part) for part in parts])) == [value for part in parts for value in part]
    for part in parts:
        assert unpack_list(pack_json(part)) == part
