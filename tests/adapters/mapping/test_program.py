"""Lineage: where each canonical value came from, and where each native one goes."""

from __future__ import annotations

from typing import Any

MAPPING = """
document: penalty-decision/1
fields:
  case_number: {at: [AH, OLD], none: ["/"], lossy: 截断}
  kinds: {split: LB, on: ",", as: {code: penalty-kind}}
  officers: {split: {name: XM, number: ZJ}, on: ","}
  violations: {each: "W[]", fields: {facts: {at: SS, only: in}, legal_basis: "TK[]"}}
  party.kind: {at: P.LB, as: {code: party-kind}, when: {at: P.T, in: [1, 2]}, also: [P.LB2], default: company}
constants: {FLAG: "1"}
"""


def test_every_field_tells_its_path_converters_and_code_table(compiled: Any) -> None:
    """With the table's digest, and what else the author said."""
    lines = {line.field: line for line in compiled(MAPPING).explain()}
    number = lines["case_number"]
    assert (number.title, number.path, number.converters) == ("案件编号", "AH", ())
    assert number.note == "else OLD; none: '/'; lossy: 截断"
    kinds = lines["kinds[]"]
    assert kinds.converters == ("split: ,", "code: penalty-kind")
    assert kinds.codes is not None
    assert kinds.codes.startswith("penalty-kind@")
    assert (lines["officers[].name"].path, lines["officers[].number"].path) == ("XM", "ZJ")
    assert (lines["violations[]"].path, lines["violations[].legal_basis[]"].path) == ("W[]", "W[].TK[]")
    assert lines["violations[].facts"].note == "only: in"
    assert lines["party.kind"].note == "default: company; also: P.LB2; when P.T: 1 | 2"


def test_every_native_path_is_known_with_its_line_and_directions(compiled: Any) -> None:
    """For checks against a native schema."""
    program = compiled(MAPPING)
    uses = {use.path: use for use in program.path_uses}
    assert (uses["OLD"].read, uses["OLD"].write, uses["OLD"].line) == (True, False, 4)
    assert (uses["P.LB2"].read, uses["P.LB2"].write) == (False, True)
    assert (uses["W[].SS"].read, uses["W[].SS"].write) == (True, False)
    assert (uses["FLAG"].read, uses["FLAG"].write, uses["FLAG"].line) == (False, True, 9)
    assert any(use.path == "P.T" and use.read and use.write for use in program.path_uses)
    assert uses["W[].TK[]"].write


def test_every_native_path_of_a_field_is_named(compiled: Any) -> None:
    """Several columns, alternatives, and names with the characters that join paths for people."""
    program = compiled(
        """
        document: case-file/1
        fields:
          site.location: {parts: {longitude: JD, latitude: "P['W, D']"}, as: {coordinates: gcj02}}
          case_number: {at: [AH, BH]}
        """
    )
    paths = {line.field: (line.path, line.paths) for line in program.explain()}
    assert paths["site.location"] == ("JD + P.W, D", ("JD", "P.W, D"))
    assert paths["case_number"] == ("AH", ("AH", "BH"))
