"""What an author did wrong: every fault at once, each with its line and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.mapping import codes, compile_mapping
from adapters.source import BrokenBundle, load

HEAD = "document: case-progress/1\nfields:\n  case_number: AH\n  node: HJ\n  at: SJ\n"


def _one(found: Any) -> tuple[str, int]:
    assert all(one.file == "mappings/m.yaml" and one.remedy.zh and one.remedy.en and one.message.zh for one in found)
    (finding,) = found
    return finding.code, finding.line


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("  opinion: {at: YJ, ass: text}", "mapping.key"),
        ("  opinion: {at: YJ, on: ','}", "mapping.key"),
        ("  opinion: a..b", "mapping.path"),
        ("  opinion: {at: [a, 'b[']}", "mapping.path"),
        ("  opinion: 1", "mapping.shape"),
        ("  opinion: {}", "mapping.shape"),
        ("  opinion: {as: text}", "mapping.shape"),
        ("  opinion: {at: YJ, as: nonsense}", "mapping.converter"),
        ("  opinion: {at: YJ, as: {date: '%Q'}}", "mapping.converter"),
        ("  opinion: {at: YJ, as: {date: x, text: y}}", "mapping.shape"),
        ("  opinion: {at: YJ, as: {code: missing}}", "mapping.converter"),
        ("  opinion: {at: YJ, as: []}", "mapping.shape"),
        ("  opinion: {at: YJ, only: both}", "mapping.shape"),
        ("  opinion: {at: YJ, lossy: ''}", "mapping.shape"),
        ("  opinion: {at: YJ, none: [[1]]}", "mapping.shape"),
        ("  opinion: {at: YJ, default: [1]}", "mapping.shape"),
        ("  opinion: {at: YJ, when: {at: X}}", "mapping.shape"),
        ("  opinion: {at: YJ, when: {at: X, is: 1, in: [1]}}", "mapping.shape"),
        ("  opinion: {at: YJ, when: {at: 'X[]', is: 1}}", "mapping.shape"),
        ("  opinion: {at: YJ, when: {at: X, present: maybe}}", "mapping.shape"),
        ("  opinion: {at: 'YJ[]'}", "mapping.shape"),
        ("  opinion: {split: YJ, on: ','}", "mapping.shape"),
        ("  opinion: {at: YJ, as: {coordinates: gcj02}}", "mapping.shape"),
        ("  opinion: {parts: {a: A, b: B}, as: text}", "mapping.shape"),
        ("  opinion, detail: YJ", "mapping.shape"),
        ("  opinoin: YJ", "mapping.field"),
        ("  Opinion!: YJ", "mapping.shape"),
        ("  officers: RY", "mapping.shape"),
        ("  officers: {each: RY, fields: {name: XM}}", "mapping.shape"),
        ("  officers: {each: 'RY[]', fields: {}}", "mapping.shape"),
        ("  officers: {each: 'RY[]', fields: {nome: XM}}", "mapping.field"),
        ("  opinion: {each: 'RY[]', fields: {name: XM}}", "mapping.shape"),
        ("  officers: {split: {name: A, number: B}}", "mapping.shape"),
        ("  officers: {split: {name: 'A[]'}, on: ','}", "mapping.shape"),
        ("  opinion: AH", "mapping.collision"),
        ("  opinion: AH.X", "mapping.shape"),
        ("  opinion: {at: YJ, also: [HJ]}", "mapping.collision"),
        ("constants: {AH: 1}", "mapping.collision"),
        ("constants: {'X[]': 1}", "mapping.shape"),
        ("constants: {X: '{nobody}'}", "mapping.placeholder"),
        ("constants: {X: '{org'}", "mapping.placeholder"),
        ("unknown: maybe", "mapping.shape"),
        ("ignored: ['a[']", "mapping.path"),
        ("extra: 1", "mapping.key"),
    ],
)
def test_a_fault_has_its_line_and_its_remedy(faults: Any, line: str, code: str) -> None:
    """Whatever is wrong, it is told where it was written."""
    assert _one(faults(HEAD + line)) == (code, 6)


def test_all_faults_are_told_at_once(faults: Any) -> None:
    """From every step of the reading."""
    found = faults(HEAD + "  opinoin: YJ\n  detail: {at: a.., as: no}\nextra: 1")
    assert sorted((one.code, one.line) for one in found) == [
        ("mapping.converter", 7),
        ("mapping.field", 6),
        ("mapping.key", 8),
        ("mapping.path", 7),
    ]


@pytest.mark.parametrize("text", ["document: nothing/9\nfields: {a: b}", "fields: {a: b}", "[]", "document: permit/1"])
def test_a_mapping_needs_a_known_document_and_fields(faults: Any, text: str) -> None:
    """Without them nothing else can be said."""
    assert faults(text)


def test_a_near_miss_is_suggested(faults: Any) -> None:
    """The remedy names the field that was probably meant."""
    (finding,) = faults(HEAD + "  opinoin: YJ")
    assert "opinion" in finding.remedy.en


def test_a_code_nobody_defined_is_told_in_its_table(compiled: Any) -> None:
    """With the line of the table."""
    table = {"urgency": codes.load(b"native,canonical,title\n1,urgent,\n2,panic,\n", "urgency")}
    text = "document: dispatch-order/1\nfields: {urgency: {at: JJ, as: {code: urgency}}}"
    with pytest.raises(BrokenBundle) as caught:
        compile_mapping(load(text.encode(), "mappings/m.yaml"), table)
    finding = caught.value.findings[0]
    assert (finding.code, finding.file, finding.line) == ("codes.stranger", "codes/urgency.csv", 3)


def test_a_table_with_gaps_compiles_with_a_note(compiled: Any) -> None:
    """Documents with those codes could not be written; the check tells so."""
    program = compiled("document: penalty-decision/1\nfields: {kinds: {split: LB, on: ',', as: {code: penalty-kind}}}")
    (note,) = program.notes
    assert (note.code, note.line, note.warning) == ("codes.gaps", 2, True)
    assert "detention" in note.message.en


def test_too_much_is_refused(faults: Any) -> None:
    """Fields and nesting are bounded."""
    many = "\n".join(f"  f{number}: F{number}" for number in range(501))
    assert _one(faults("document: case-progress/1\nfields:\n" + many))[0] == "mapping.shape"
    deep = "{each: 'a[]', fields: {violations: " * 8 + "x" + "}}" * 8
    assert "mapping.shape" in {one.code for one in faults("document: case-file/1\nfields: {violations: " + deep + "}")}
