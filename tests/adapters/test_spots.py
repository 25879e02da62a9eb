"""Where a value stands: line and column in JSON and XML, or of the nearest thing around it."""

from __future__ import annotations

import pytest

from adapters.spots import json_spot, spot, xml_spot

JSON = """{
  "甲": {"b": [1, {"c": "x"},
    {"c": "{,]\\""}]},
  "d\\u0041": 3
}""".encode()
XML = "<包>\n<头/>\n<数据>\n<行><号>1</号></行>\n<行 t='1'>\n<号>2</号></行></数据></包>".encode()


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        (("甲",), (2, 3)),
        (("甲", "b", 0), (2, 15)),
        (("甲", "b", 1, "c"), (2, 19)),
        (("甲", "b", 2, "c"), (3, 6)),
        (("dA",), (4, 3)),
        (("甲", "b", 9), (2, 9)),
        (("nowhere",), (1, 1)),
        ((), (1, 1)),
    ],
)
def test_a_json_value_is_found_by_its_keys(keys: tuple[str | int, ...], place: tuple[int, int]) -> None:
    """What is not there is told by what should have held it; braces in text are text."""
    assert json_spot(JSON, keys) == place


@pytest.mark.parametrize("text", [b"", b"{", b"]}", b'{"a"', b'{"a":[}', b"\xff", b'"\\', b":,:"])
def test_broken_json_breaks_nothing(text: bytes) -> None:
    """A place is always given."""
    assert json_spot(text, ("a", 0)) >= (1, 0)


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (("数据", "行", 1, "号"), 6),
        (("数据", "行", 0, "号"), 4),
        (("行", 1, "@t"), 5),
        (("头",), 2),
        (("p:头",), 2),
        (("没有",), 1),
        (("数据", "行", 7), 1),
    ],
)
def test_an_xml_element_is_found_by_its_names(names: tuple[str | int, ...], line: int) -> None:
    """From the root or from anything below it, as paths inside SOAP and records are."""
    assert xml_spot(XML, names) == (line, 1)


def test_what_a_parser_says_is_read() -> None:
    """And what it does not say is the top."""
    assert spot("expected value at line 3 column 14") == (3, 14)
    assert spot("something else") == (1, 1)
    assert xml_spot(b"<a", ("a",)) == (1, 1)
