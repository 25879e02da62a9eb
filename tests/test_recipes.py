"""The recipes for a body format, a document type and a converter: followed file by file in a copy of the product."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from adapters.formats import BODY_FORMATS
from adapters.mapping import REGISTRY
from schemas.catalog import TYPES

ROOT = Path(__file__).parents[1]
PRODUCT = ("gateway", "adapters", "schemas")
EVERYWHERE = frozenset({"json", "xml", "form"})
"""Formats whose names are words of other things too: of schemas, of file names, of what is embedded."""

Edits = Sequence[tuple[str, str]]
"""Texts of a file, each with what takes its place."""


def _strings() -> Mapping[str, frozenset[str]]:
    """Every string constant of the product's modules, with the modules in which it stands alone."""
    found: dict[str, set[str]] = {}
    for path in (path for name in PRODUCT for path in (ROOT / name).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.setdefault(node.value, set()).add(path.relative_to(ROOT).as_posix())
    return {text: frozenset(paths) for text, paths in found.items()}


@pytest.fixture(scope="module")
def strings() -> Mapping[str, frozenset[str]]:
    """The string constants of the product."""
    return _strings()


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """A copy of the product, to be changed."""
    for name in PRODUCT:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def _follow(product: Path, recipe: Mapping[str, str | Edits], trial: str) -> object:
    """Write or edit the files of a recipe, run a trial in the changed product, and give what it prints."""
    assert len(recipe) <= 3
    for name, change in recipe.items():
        file = product / name
        file.write_text(change if isinstance(change, str) else _edited(file, change), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(product), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", trial]
    done = subprocess.run(command, cwd=product, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _edited(file: Path, edits: Edits) -> str:
    text = file.read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text, f"{file.name} has no {old!r}"
        text = text.replace(old, new, 1)
    return text


LINES = '''"""Lines of `name=value`."""

from adapters.base import Tree
from adapters.formats import charsets
from adapters.formats.format import Body, BodyFormat, EncodedBody, Format, Order
from schemas.budget import Budget


def read(declared: Format, body: bytes, content_type: str | None, budget: Budget) -> Body:
    text = charsets.decode(body, charsets.agree(declared.charset, content_type))
    return Body(dict(line.split("=", 1) for line in text.splitlines()))


def write(declared: Format, tree: Tree, order: Order | None = None) -> EncodedBody:
    text = "".join(f"{name}={value}\\n" for name, value in tree.items())
    return EncodedBody("text/x-lines", charsets.encode(text, declared.charset))


BODY_FORMAT = BodyFormat(name="lines", read=read, write=write, media_type="text/x-lines", suffixes=("lines",))
'''

NEW_FORMAT: Mapping[str, str | Edits] = {
    "adapters/formats/lines.py": LINES,
    "adapters/formats/codec.py": (
        ("import charsets, csv", "import lines, charsets, csv"),
        ("(json, xml,", "(lines, json, xml,"),
    ),
}

FORMAT_TRIAL = """
import json
from pathlib import Path
from adapters import bundle, formats
from adapters.adapter import DeclarativeAdapter

folder = Path("adapters/canonical")
files = {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
manifest = files["adapter.yaml"].decode()
files["adapter.yaml"] = manifest.replace("format: {body: json", "format: {body: lines").encode()
adapter = DeclarativeAdapter(bundle.assemble(files))
wire = next(iter(adapter.compiled.formats.values()))
print(json.dumps([wire.body, formats.read(wire, b"a=1\\n").tree, formats.write(wire, {"a": "1"}).body.decode()]))
"""


def test_a_body_format_is_one_module_and_its_entry_in_the_codec(product: Path) -> None:
    """A bundle may then name it, and bodies are read and written in it."""
    assert _follow(product, NEW_FORMAT, FORMAT_TRIAL) == ["lines", {"a": "1"}, "a=1\n"]


@pytest.mark.parametrize("name", sorted(BODY_FORMATS.keys() - EVERYWHERE))
def test_nobody_else_asks_for_a_body_format_by_its_name(name: str, strings: Mapping[str, frozenset[str]]) -> None:
    """What others need to know, the declaration says."""
    assert strings[name] == {f"adapters/formats/{name}.py"}


NOTICE = '''"""A notice 通知."""

from pydantic import Field

from schemas.documents.document import CatalogEntry, Document
from schemas.field_types import Day, PlatformNumber, Region


class Notice(Document):
    """通知."""

    NAME = "notice/1"
    TITLE = "通知"
    CATALOG = CatalogEntry(
        name="notice.served",
        title="通知送达",
        operation="notice",
        ordering_field="case_number",
        identifying=("case_number", "served_on"),
        scoped=True,
        dossier="cases",
        chronology=(("made_on", "served_on"),),
    )

    case_number: PlatformNumber = Field(title="案件编号", description="Number of the case.")
    region: Region = Field(title="行政区划", description="Region of the case.")
    made_on: Day = Field(title="制作日期", description="Day it was made.")
    served_on: Day = Field(title="送达日期", description="Day it was served.")
'''

NEW_DOCUMENT: Mapping[str, str | Edits] = {
    "schemas/documents/notice.py": NOTICE,
    "schemas/documents/checking.py": (
        ("from schemas.documents.permit", "from schemas.documents.notice import Notice\nfrom schemas.documents.permit"),
        ("            PenaltyExecution,\n", "            PenaltyExecution,\n            Notice,\n"),
    ),
    "schemas/routes.yaml": (
        ("routes:\n", "routes:\n  notice.served:\n    from: [penalty]\n    to: [mobile-enforcement]\n"),
    ),
}

DOCUMENT_TRIAL = """
import json
from random import Random
from gateway.hub.dossier import PARTS
from gateway.intake.routes import read_routes
from schemas.catalog import TYPES
from schemas.documents import check
from schemas.publish import json_schema
from schemas.samples import sample

kind = TYPES["notice.served"]
document = check(kind.document, sample(kind.document, Random(1))).document
routed = "notice.served" in read_routes().routes
print(json.dumps([
    kind.keys(document) == {"case_number": kind.ordering_key(document)},
    document["made_on"] <= document["served_on"],
    "notice.served" in PARTS["cases"],
    routed,
    json_schema("notice/1")["title"],
]))
"""


def test_a_document_type_is_one_module_its_entry_and_its_routes(product: Path) -> None:
    """It is then checked, published, found by its numbers, routed, invented for the proof, and in the dossier."""
    assert _follow(product, NEW_DOCUMENT, DOCUMENT_TRIAL) == [True, True, True, True, "通知"]


@pytest.mark.parametrize("name", sorted(TYPES.keys() - {"case.transferred"}))
def test_nobody_else_names_a_message_type(name: str, strings: Mapping[str, frozenset[str]]) -> None:
    """Only the module of its document; `case.transferred` is also the example of the documentation."""
    assert len(strings[name]) == 1
    assert next(iter(strings[name])).startswith("schemas/documents/")


SHOUT = '''"""The shout converter."""

from typing import Any

from adapters.mapping.converters.kind import Converter, Kind, Specimen, plainly
from adapters.mapping.converters.texts import text_of
from schemas.findings import Text


def _shout() -> Converter:
    def forward(value: Any) -> str:
        return text_of(value).removesuffix("!")

    return Converter("shout", forward, lambda value: f"{value}!")


KINDS = (
    Kind("shout", Text("带叹号", "with a mark"), Text("文本", "text"), plainly(_shout), (Specimen("是!", "是"),)),
)
'''

NEW_CONVERTER: Mapping[str, str | Edits] = {
    "adapters/mapping/converters/shouts.py": SHOUT,
    "adapters/mapping/converters/__init__.py": (
        ("import codes,", "import shouts, codes,"),
        ("(texts,", "(shouts, texts,"),
    ),
}

CONVERTER_TRIAL = """
import json
from adapters.mapping import compile_mapping
from adapters.source import load

fields = "{case_number: {at: AH, as: shout}, node: HJ, at: SJ}"
program = compile_mapping(load(f"document: case-progress/1\\nfields: {fields}".encode(), "trial.yaml"), {})
native = {"AH": "A1!", "HJ": "filed", "SJ": "2025-08-06T09:30:00+08:00"}
document = program.inward(native).document
print(json.dumps([document["case_number"], program.outward(document)["AH"]]))
"""


def test_a_converter_is_an_entry_of_its_module_and_a_new_module_an_import(product: Path) -> None:
    """A mapping may then name it, both ways."""
    assert _follow(product, NEW_CONVERTER, CONVERTER_TRIAL) == ["A1", "A1!"]


@pytest.mark.parametrize("name", sorted(name for name in REGISTRY if "-" in name))
def test_a_converter_is_declared_in_one_module_of_the_converters(
    name: str, strings: Mapping[str, frozenset[str]]
) -> None:
    """Others know it by the registry; a draft may write it by its name."""
    declaring = {path for path in strings[name] if path.startswith("adapters/mapping/")}
    assert len(declaring) == 1
