"""A schema from a stranger costs what it weighs: it unfolds, backtracks and fetches nothing."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from adapters.formats import read
from adapters.formats.format import Format
from adapters.native import compile_schema
from adapters.native.costs import runs_away
from adapters.native.patterns import MOST_WAYS, ways
from adapters.source import BrokenBundle

XS = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{}</xs:schema>'
XML = Format("xml", root="a")
JSON = Format("json")


MOST = 100
"""As much processor time as so many millions of the interpreter's steps take here."""


def _millions(work: Callable[[], object]) -> float:
    """Measure work in millions of steps of the interpreter, which are timed right beside it."""
    return _cpu(work) / min(_cpu(lambda: sum(range(1_000_000))) for _ in range(3))


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _refused(content: str, file: str, declared: Format) -> str:
    """Refuse a schema in bounded time and 20 MB, and give what was said."""

    def refuse() -> None:
        with suppress(BrokenBundle):
            compile_schema(content.encode(), file, declared)

    assert _millions(refuse) < MOST
    tracemalloc.start()
    with pytest.raises(BrokenBundle) as caught:
        compile_schema(content.encode(), file, declared)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 1024 * 1024
    (finding,) = caught.value.findings
    assert finding.code == "schema.invalid"
    assert finding.line > 0
    return finding.message.en


def _laughs(levels: int, wide: int, word: str) -> str:
    steps = {f"a{n}": {word: [{"$ref": f"#/$defs/a{n + 1}"}] * wide} for n in range(levels)}
    return json.dumps({"$defs": {**steps, f"a{levels}": {"type": "string"}}, "$ref": "#/$defs/a0"})


@pytest.mark.parametrize("word", ["allOf", "anyOf", "oneOf"])
def test_references_that_multiply_are_refused(word: str) -> None:
    """Thirty lines that would be a thousand million checks."""
    assert "unfold" in _refused(_laughs(30, 2, word), "x.json", JSON)


def test_groups_that_multiply_are_refused() -> None:
    """The same with XML Schema's groups."""
    groups = "".join(
        f'<xs:group name="g{n}"><xs:sequence>{f"""<xs:group ref="g{n + 1}"/>""" * 8}</xs:sequence></xs:group>'
        for n in range(12)
    )
    last = '<xs:group name="g12"><xs:sequence><xs:element name="x" type="xs:string"/></xs:sequence></xs:group>'
    whole = '<xs:element name="a"><xs:complexType><xs:group ref="g0"/></xs:complexType></xs:element>'
    assert "unfold" in _refused(XS.format(groups + last + whole), "x.xsd", XML)


def test_a_schema_of_too_many_parts_is_refused() -> None:
    """Within the size of a file, and still too many."""
    assert "unfold" in _refused(json.dumps({"anyOf": [{}] * 60_000}), "x.json", JSON)


def test_a_schema_may_describe_itself() -> None:
    """A tree of its own kind is no bomb."""
    tree = {"properties": {"a": {"$ref": "#"}, "b": {"items": {"$ref": "#"}}}, "additionalProperties": False}
    schema = compile_schema(json.dumps(tree).encode(), "x.json", JSON)
    assert len(list(schema.faults(read(JSON, b'{"a":{"a":{"c":1}},"b":[{"d":2}]}')))) == 2
    endless = compile_schema(b'{"$ref":"#","allOf":[{"$ref":"#"}]}', "x.json", JSON)
    assert endless.shape.names == ()


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "file:///etc/passwd"},
        {"$ref": "http://127.0.0.1:9/a.json"},
        {"$id": "http://a.example/x", "properties": {"a": {"$ref": "y.json"}}},
        {"$schema": "http://127.0.0.1:9/meta.json", "type": "string"},
        {"pattern": "((a{1,1000}){1,1000}){1,1000}"},
        {"pattern": "("},
        {"type": "strnig"},
    ],
)
def test_nothing_is_fetched_and_no_pattern_is_too_large(schema: dict[str, Any]) -> None:
    """References leave the file nowhere."""
    _refused(json.dumps(schema), "x.json", JSON)


@pytest.mark.parametrize("pattern", ["(a+)+b", "^(?=(a+)+b)(a|a)*$", r"(a)\1(?:a|a)*b"])
def test_a_json_pattern_cannot_run_away(pattern: str) -> None:
    """In linear time, or within a bound."""
    schema = compile_schema(json.dumps({"items": {"pattern": pattern}}).encode(), "x.json", JSON)
    body = read(JSON, json.dumps(["a" * 5000 + "!"]).encode())
    assert list(schema.faults(body))
    assert _millions(lambda: list(schema.faults(body))) < MOST


LOOKING = [r"^(?:a(?=a*))*c", "(?=a*b)c", "(?<!b)a*c", r"(a+)\1b", "^(?=(a+)+b)(a|a)*$", "^a|(?!b)a*c", "a*+b"]


@pytest.mark.parametrize("pattern", LOOKING)
def test_a_json_pattern_that_looks_far_is_not_tried_on_a_long_text(pattern: str) -> None:
    """Its time is the square of the text's length: a long text is a fault by its length alone."""
    place = {"properties": {"a": {"pattern": pattern}, "b": {"const": {"pattern": pattern}}}}
    schema = compile_schema(
        json.dumps({**place, "properties": {**place["properties"], "pattern": place}}).encode(), "x.json", JSON
    )
    body = read(JSON, json.dumps({"a": "a" * 200_000, "pattern": {"a": "a" * 200_000}}).encode())
    found = [finding for _, finding in schema.faults(body)]
    assert [one.path for one in found] == ["a", "pattern.a"]
    assert all("at most 500" in one.message.en for one in found)
    assert _millions(lambda: list(schema.faults(body))) < MOST
    short = read(JSON, json.dumps({"a": "x", "b": {"pattern": pattern}}).encode())
    assert [finding.message.en for _, finding in schema.faults(short)] == [
        f"does not match the pattern {pattern}; correct it as the platform's schema says"
    ]


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(?!\s*$).+",
        "^(?=.*[a-z])(?=.*[0-9]).{8,}$",
        r"^(?:0{6}|[1-9]\d(?:0{4}|(?!00)\d{4}))$",
        "a[(?=]+b",
        r"\\1a+",
        "a+?b",
    ],
)
def test_a_json_pattern_that_reads_a_text_once_has_no_bound(pattern: str) -> None:
    """It looks at the beginning only, repeats nothing without end, or does not look around at all."""
    schema = compile_schema(json.dumps({"properties": {"a": {"pattern": pattern}}}).encode(), "x.json", JSON)
    body = read(JSON, json.dumps({"a": "b1" * 300_000 + "é"}).encode())
    assert all("pattern" in finding.message.en for _, finding in schema.faults(body))
    assert _millions(lambda: list(schema.faults(body))) < MOST


@pytest.mark.parametrize(
    "schema",
    [
        {"patternProperties": {"(?=a*b)c": {}}},
        {"$schema": "http://json-schema.org/draft-04/schema#", "pattern": "(?=a*b)c"},
    ],
)
def test_a_json_pattern_whose_text_cannot_be_bounded_is_refused(schema: dict[str, Any]) -> None:
    """The names of fields, and drafts without `if`."""
    assert "looks around" in _refused(json.dumps(schema), "x.json", JSON)


@pytest.mark.parametrize(
    ("pattern", "away"),
    [
        (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+08:?00", False),
        ("[0-9]+(,[0-9]+)*", False),
        ("[0-9]{2}(-[0-9]{2}){2}", False),
        ("([0-9]+)?", False),
        ("(甲|乙)", False),
        (r"[(]a+[)]+", False),
        ("(a|a)*b", True),
        ("(a|aa)+b", True),
        ("(a+)+", True),
        ("(aa+)+", True),
        ("(,.+)*", True),
        ("(,+)*", True),
        (r"(\(a+)+", True),
        ("((a{1,100}){1,100}){1,100}", True),
        ("(((a|b)?c?){0,30}){0,30}", True),
        ("a{1,100000}", True),
        ("a" * 501, False),
    ],
)
def test_a_pattern_that_may_run_away_is_known_by_its_shape(pattern: str, away: bool) -> None:
    """A group that repeats or branches is not repeated, unless a separator tells its turns apart."""
    assert runs_away(pattern) is away


@pytest.mark.parametrize("pattern", ["(a|aa)+b", "a" * 501])
def test_such_an_xml_schema_is_refused(pattern: str) -> None:
    """Its engine backtracks."""
    kind = f'<xs:restriction base="xs:string"><xs:pattern value="{pattern}"/></xs:restriction>'
    element = f'<xs:element name="a"><xs:simpleType>{kind}</xs:simpleType></xs:element>'
    assert "pattern" in _refused(XS.format(element), "x.xsd", XML)


@pytest.mark.parametrize(
    "inside",
    [
        '<xs:include schemaLocation="/etc/passwd"/>',
        '<xs:import namespace="urn:x" schemaLocation="http://127.0.0.1:9/x.xsd"/>',
        '<xs:redefine schemaLocation="file:///etc/passwd"/>',
    ],
)
def test_an_xml_schema_takes_in_no_other_file(inside: str) -> None:
    """Neither of this machine nor of another."""
    assert "one file" in _refused(XS.format(inside + '<xs:element name="a"/>'), "x.xsd", XML)


def test_an_xml_schema_expands_no_entities(tmp_path: Path) -> None:
    """A billion laughs, and a file by the back door."""
    (tmp_path / "secret").write_text("secret")
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    for entities, used in ((f'<!ENTITY a0 "ha">{bomb}', "a11"), (f'<!ENTITY f SYSTEM "{tmp_path}/secret">', "f")):
        text = XS.format(
            f'<xs:annotation><xs:documentation>&{used};</xs:documentation></xs:annotation><xs:element name="a"/>'
        )
        assert "secret" not in _refused(f"<!DOCTYPE x [{entities}]>{text}", "x.xsd", XML)


# ── patterns whose repetitions compete ───────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("pattern", "refused"),
    [
        ("a*a*a*a*a*b", True),
        (r"\d+\.?\d*", True),
        (r"\d*\d*x", True),
        (".*x.*y", True),
        ("[a-z]+[a-z0-9]+", True),
        ("a{0,500}a{0,500}b", True),
        (r"\p{L}*\p{L}*", True),
        ("一*一*二", True),
        ("a?" * 60 + "b", True),
        ("(a|aa)" * 30 + "b", True),
        ("([ab]|a|b)" * 30 + "c", True),
        ("(a|ab)(bc|c)?" * 15 + "x", True),
        ("(a{1,2})" * 60 + "b", True),
        ("(ab)*(ab)*(ab)*c", True),
        ("a*(b|a*)(b|a*)c", True),
        ("((a*))((a*))b", True),
        ("(x|a*)(y|a*)b", True),
        ("[0-9]+,[0-9]+", False),
        (r"\d+(\.\d+)?", False),
        (r"(\+?86-?)?1[3-9]\d{9}", False),
        (r"(25[0-5]|2[0-4]\d|[01]?\d\d?)(\.(25[0-5]|2[0-4]\d|[01]?\d\d?)){3}", False),
        (r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", False),
        (r"[1-9]\d{5}(18|19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[\dXx]", False),
        (r"(浙|杭)环(罚|责改|告)字?[〔\[](19|20)\d{2}[〕\]]第?\d{1,6}(-\d{1,3})?号", False),
        (r"-?(0|[1-9]\d{0,14})(\.\d{1,6})?", False),
        (r"([0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}|[1-9]\d{14})?", False),
        ("[A-Z]*[0-9]*", False),
        (r"[0-9]{1,3}°[0-9]{2}′[0-9.]+″", False),
        (r"\d{4}年\d{1,2}月\d{1,2}日|\d{4}-\d{2}-\d{2}", False),
        ("a*|a*|a*", False),
        ("[0-9]{17}[0-9X]", False),
        (r"[^@]+@[^@]+", False),
        ("[A-Z]{2,3}[A-Z0-9]{5,8}", False),
    ],
)
def test_repetitions_that_compete_for_one_text_are_refused(pattern: str, refused: bool) -> None:
    """Each more of them multiplies the ways to read the same letters."""
    assert (ways(pattern) > MOST_WAYS) is refused


def test_a_schema_with_such_a_pattern_is_refused() -> None:
    """When the bundle is checked, not when a body comes."""
    kind = '<xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="a*a*a*a*a*b"/></xs:restriction>'
    content = XS.format(f'<xs:element name="a">{kind}</xs:simpleType></xs:element>')
    assert "a*a*a*a*a*b" in _refused(content, "x.xsd", XML)


# ── bodies with more faults than anybody is told ─────────────────────────────────────────────────
ROWS = XS.format(
    '<xs:element name="a"><xs:complexType><xs:sequence><xs:element name="b" maxOccurs="unbounded">'
    '<xs:simpleType><xs:restriction base="xs:string"><xs:enumeration value="x"/></xs:restriction></xs:simpleType>'
    "</xs:element></xs:sequence></xs:complexType></xs:element>"
)
CHOICE = {"items": {"type": "array", "items": {"oneOf": [{"const": f"c{n}"} for n in range(40)]}}}
CODES = json.dumps({"type": "object", "properties": CHOICE})


def _faults(schema: str, file: str, declared: Format, body: bytes) -> list[tuple[Any, str]]:
    compiled = compile_schema(schema.encode(), file, declared)
    return [(where, finding.code) for where, finding in compiled.faults(read(declared, body))]


@pytest.mark.parametrize("count", [60, 600, 20_000])
def test_an_xml_body_of_wrong_elements_has_fifty_faults_in_order(count: int) -> None:
    """Each in its place, and one that says that there are more; small and large bodies alike."""
    found = _faults(ROWS, "x.xsd", XML, b"<a>" + b"<b>y</b>" * count + b"</a>")
    assert [where for where, _ in found[:50]] == [("b", index) for index in range(50)]
    assert [code for _, code in found] == ["native.invalid"] * 50 + ["bound.findings"]


def test_a_late_fault_in_a_long_xml_body_is_found() -> None:
    """Behind thousands of good ones, between comments, and with its own prefix."""
    body = b"<a>" + b"<b>x</b><!-- y -->" * 9_000 + b"<b>z</b>" + b"<b>x</b>" * 9_000 + b"</a>"
    assert _faults(ROWS, "x.xsd", XML, body) == [(("b", 9_000), "native.invalid")]


def test_a_long_valid_body_is_valid() -> None:
    """Streaming finds nothing that is not there."""
    assert _faults(ROWS, "x.xsd", XML, b"<a>" + b"<b>x</b>" * 20_000 + b"</a>") == []
    good = json.dumps({"items": ["c7"] * 20_000}).encode()
    assert _faults(CODES, "x.json", JSON, good) == []


@pytest.mark.parametrize("count", [60, 600, 20_000])
def test_a_json_body_of_wrong_choices_has_fifty_faults_in_order(count: int) -> None:
    """Forty alternatives a place would be forty faults of a kilobyte each."""
    found = _faults(CODES, "x.json", JSON, json.dumps({"items": ["z"] * count}).encode())
    assert [where for where, _ in found[:50]] == [("items", index) for index in range(50)]
    assert [code for _, code in found] == ["native.invalid"] * 50 + ["bound.findings"]


def test_a_late_fault_in_a_long_json_body_is_found() -> None:
    """In its place in the whole list, whatever window it was seen through."""
    body = json.dumps({"items": [*["c1"] * 9_000, "z", *["c2"] * 9_000]}).encode()
    assert _faults(CODES, "x.json", JSON, body) == [(("items", 9_000), "native.invalid")]


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ({"properties": {"items": {"maxItems": 5}}}, {"items": [1] * 9_000}),
        ({"properties": {"items": {"uniqueItems": True}}}, {"items": [*range(9_000), 0]}),
        ({"items": {"items": {"type": "string"}}}, [[["a"] * 9_000 + [1]]]),
        ({"items": {"properties": {"a": {"items": {"type": "string"}}}}}, [{"a": ["a"] * 9_000 + [1]}]),
    ],
)
def test_what_no_window_shows_is_still_refused(schema: Any, body: Any) -> None:
    """A rule about a whole list is told of the whole body."""
    found = _faults(json.dumps(schema), "x.json", JSON, json.dumps(body).encode())
    assert {code for _, code in found} == {"native.invalid"}


def test_one_fault_of_a_choice_stays_small() -> None:
    """Ten thousand wrong codes in 39 KiB were two gigabytes of faults."""
    tracemalloc.start()
    found = _faults(CODES, "x.json", JSON, json.dumps({"items": ["z"] * 10_000}).encode())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 51
    assert peak < 16 * 1024 * 1024


def test_a_large_body_is_judged_by_the_lists_it_has() -> None:
    """A list that is looked at in parts is neither too short for it nor told with the length of a part."""
    counted = {"type": "array", "minItems": 50, "maxItems": 4000, "items": {"type": "integer"}}
    schema = compile_schema(json.dumps({"properties": {"a": counted, "b": counted}}).encode(), "x.json", JSON)
    body = {"a": [1] * 3000 + ["x"], "b": [1] * 60}
    assert [finding.path for _, finding in schema.faults(read(JSON, json.dumps(body).encode()))] == ["a[3000]"]
    short = {"a": [1] * 3000, "b": [1] * 49}
    (only,) = [finding for _, finding in schema.faults(read(JSON, json.dumps(short).encode()))]
    assert (only.path, "49" in only.message.en) == ("b", True)
