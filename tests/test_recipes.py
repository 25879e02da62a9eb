"""The recipes of CONTRIBUTING.md: each is followed file by file in a copy of the product, and then tried."""

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
from gateway.api.messages import MessageView
from gateway.api.rights import CALLS
from gateway.cli import message as message_command
from gateway.telemetry.metrics import METRICS
from schemas.catalog import TYPES
from schemas.figures import bundled

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
        ("    json_stream,", "    json_stream,\n    lines,"),
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
    # The regular report, and what is reconciled, are written in formats of their own choice, which are no platform's.
    report, reconciled = {"gateway/api/report_files.py", "gateway/cli/report.py"}, {"gateway/api/reconciliation.py"}
    beside = {f"adapters/formats/{name}_stream.py", *report, *reconciled}
    assert strings[name] - beside == {f"adapters/formats/{name}.py"}


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
        ordering=("case_number",),
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
from schemas.figures import bundled
from schemas.documents import check
from schemas.publish import json_schema
from schemas.samples import sample

kind = TYPES["notice.served"]
document = check(kind.document, sample(kind.document, Random(1))).document
routed = "notice.served" in read_routes().routes
print(json.dumps([
    kind.keys(document) == dict([kind.ordering_of(document)]),
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


NEW_METRIC: Mapping[str, str | Edits] = {
    "gateway/telemetry/events.py": (
        (
            "Event = (\n",
            "class DeliverySkipped(Struct, frozen=True):\n"
            '    """A delivery was skipped."""\n\n    platform: str\n\n\nEvent = (\n    DeliverySkipped\n    | ',
        ),
        ("    DeliverySkipped\n    |     MessageAccepted\n", "    DeliverySkipped\n    | MessageAccepted\n"),
    ),
    "gateway/telemetry/metrics.py": (
        ("    Event,\n", "    DeliverySkipped,\n    Event,\n"),
        ("METRICS = (\n", 'METRICS = (\n    Metric("hutong_skips", "Skipped.", DeliverySkipped, ("platform",)),\n'),
    ),
}

METRIC_TRIAL = """
import json
from prometheus_client import generate_latest
from gateway.telemetry.events import DeliverySkipped, Events
from gateway.telemetry.metrics import Metrics

metrics = Metrics()
Events([metrics])(DeliverySkipped("penalty.330000"))
print(json.dumps('hutong_skips_total{platform="penalty.330000"} 1.0' in generate_latest(metrics.registry).decode()))
"""


def test_a_metric_is_a_row_and_a_new_event_a_class_and_its_place_in_the_union(product: Path) -> None:
    """It is then counted and exposed; whoever emits the event is the third file."""
    assert _follow(product, NEW_METRIC, METRIC_TRIAL) is True


@pytest.mark.parametrize("name", sorted(metric.name for metric in METRICS))
def test_nobody_else_names_a_metric(name: str, strings: Mapping[str, frozenset[str]]) -> None:
    """Where something happens there is an event, and no counter."""
    assert strings[name] == {"gateway/telemetry/metrics.py"}


NEW_COLUMN_OF_MESSAGES: Mapping[str, str | Edits] = {
    "gateway/api/messages.py": (("    ordering_key: str\n", "    ordering_key: str\n    identity: str\n"),),
    "gateway/cli/message.py": (("_COLUMNS = {\n", '_COLUMNS = {\n    "identity": "identity",\n'),),
}

MESSAGES_TRIAL = """
import json
from datetime import UTC, datetime
from gateway.api.messages import _view
from gateway.cli.message import _COLUMNS
from gateway.message import Message

words = ["id", "type", {}, "source", "operation", "adapter", "region", "key", "case"]
message = Message(*words, datetime(2026, 9, 1, tzinfo=UTC), "the identity", "digest")
print(json.dumps(_view(message, ()).model_dump(mode="json")[_COLUMNS["identity"]]))
"""


def test_a_column_of_the_message_list_is_a_field_of_its_view_and_a_heading(product: Path) -> None:
    """What a message has already needs no more: the view takes it by its name."""
    assert _follow(product, NEW_COLUMN_OF_MESSAGES, MESSAGES_TRIAL) == "the identity"


def test_every_column_of_the_message_list_is_a_field_of_the_view() -> None:
    """The command line shows what REST answers."""
    assert set(message_command._COLUMNS.values()) <= set(MessageView.model_fields)


def _latest_migration() -> str:
    return max(path.name[1:5] for path in (ROOT / "gateway/ledger/migrations/versions").glob("v*.py"))


MIGRATION = f'''"""A delivery may have a note."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{_latest_migration()}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("deliveries", sa.Column("note", sa.Text(), nullable=True))
'''

NEW_COLUMN_OF_DELIVERIES: Mapping[str, str | Edits] = {
    "gateway/message.py": (
        ("    replay_of: str | None = None\n", "    replay_of: str | None = None\n    note: str | None = None\n"),
    ),
    "gateway/ledger/sql/tables.py": (
        (
            '    TableColumn("replay_of", optional=True),\n',
            '    TableColumn("replay_of", optional=True),\n    TableColumn("note", optional=True),\n',
        ),
    ),
    "gateway/ledger/migrations/versions/v9999_notes.py": MIGRATION,
}

DELIVERIES_TRIAL = f"""
import asyncio, json, tempfile
from datetime import UTC, datetime
from gateway.ledger.records import Intake, IntakeDraft
from gateway.ledger.sql import SqlLedger
from gateway.ledger.sql.engines import sqlite as database
from gateway.message import Delivery, Message, State

NOW = datetime(2026, 9, 1, tzinfo=UTC)
URL = f"sqlite:///{{tempfile.mkdtemp()}}/ledger.db"
engine = database.writing(URL, patience=1)
database.upgrade(engine, "{_latest_migration()}")
engine.dispose()

async def kept():
    ledger = SqlLedger(URL)
    await ledger.start()
    words = ["m", "case.transferred", {{}}, "a.330000", "case", "a@1", "330000", "key", "case-1"]
    message = Message(*words, NOW, "identity", "digest")
    delivery = Delivery("d", "m", "case.transferred", "b", None, "key", State.UNROUTED, NOW, toward="nearest", note="x")
    draft, revision = IntakeDraft(0, message, (delivery,)), (await ledger.registry()).revision
    await ledger.accept(Intake("a.330000", "case", NOW, b"", "application/json", (draft,), revision))
    found = await ledger.delivery("d")
    await ledger.stop()
    return found.note

print(json.dumps(asyncio.run(kept())))
"""


def test_a_column_of_deliveries_is_an_attribute_its_column_and_a_migration(product: Path) -> None:
    """An older ledger gets it when it is opened; it is then written and read with the others."""
    assert _follow(product, NEW_COLUMN_OF_DELIVERIES, DELIVERIES_TRIAL) == "x"


NEW_CHECK: Mapping[str, str | Edits] = {
    "schemas/assessment.yaml": (
        (
            "checks:\n",
            """checks:
  - rule: closed.archived
    version: "1"
    title: 结案后归档
    en: Archived once it was closed
    looks: 看结案后有没有归档。
    looks_en: Whether it was archived once it was closed.
    of: [{type: case.progressed, where: {node: closed}}]
    tests:
      - dates:
          first: [{day: at}]
          then: [{type: case.progressed, day: at, where: {node: archived}}]
""",
        ),
    ),
}

NEW_FIGURE: Mapping[str, str | Edits] = {
    "schemas/figures.yaml": (
        (
            "      - {trait: money, has: [fine]}\n",
            "      - {trait: money, has: [fine]}\n      - {trait: reduced, where: {discretion.direction: reduced}}\n",
        ),
        (
            "  - figure: overturned\n",
            "  - figure: reduced-fines\n    title: 减轻处罚\n    en: Reduced fines\n    unit: share\n"
            "    numerator: {of: [decision], with: [reduced]}\n    denominator: {of: [decision]}\n\n"
            "  - figure: overturned\n",
        ),
    ),
}

CHECK_TRIAL = """
import json
from datetime import date
from zoneinfo import ZoneInfo
from gateway.oversight.assessment import Papers, assess
from gateway.oversight.clocks import CaseDocument
from schemas.assessment_file import bundled
from schemas.calendar import PUBLISHED

def found(*nodes):
    said = [{"case_number": "1", "node": node, "at": at} for node, at in nodes]
    case = [CaseDocument(str(n), "case.progressed", "penalty.330000", each) for n, each in enumerate(said)]
    papers = Papers(case, (), (), (), PUBLISHED, ZoneInfo("Asia/Shanghai"))
    outcomes = assess(bundled(), papers, date(2026, 9, 1))
    return next(each.result for each in outcomes if each.check.rule == "closed.archived")

closed = ("closed", "2026-03-02")
print(json.dumps([found(closed, ("archived", "2026-03-09")), found(closed, ("archived", "2026-03-01")), found()]))
"""


def test_a_check_of_a_case_file_is_an_entry_of_the_data(product: Path) -> None:
    """It is then looked at with the others; no code names it."""
    assert _follow(product, NEW_CHECK, CHECK_TRIAL) == ["met", "missed", "not-applicable"]


FIGURE_TRIAL = """
import json
from gateway.ledger.occurrences import OccurrenceTally
from gateway.oversight.figures import Known, figures
from schemas.figures import bundled

rules = bundled()
tallies = [OccurrenceTally("decision", 1, traits=("reduced",)), OccurrenceTally("decision", 3)]
counted = figures(rules.figures, tallies, Known({}, (), {}, 202603, {}))
(found,) = [one for one in counted if one.rule.title == "减轻处罚"]
print(json.dumps([str(found.value), found.rule.figure]))
"""


def test_a_figure_is_an_entry_of_the_figures(product: Path) -> None:
    """It is then counted, and has its name and title in the report."""
    assert _follow(product, NEW_FIGURE, FIGURE_TRIAL) == ["0.2500", "reduced-fines"]


def test_nobody_else_names_a_figure(strings: Mapping[str, frozenset[str]]) -> None:
    """No figure, occurrence or trait; but REST and the command line show one, and the demo waits for one."""
    figures = bundled()
    names = {one.figure for one in figures.figures} - {"entry-timeliness", "fines"}
    assert {name: strings[name] for name in names if name in strings} == {}


NEW_ROLE: Mapping[str, str | Edits] = {
    "gateway/api/rights.py": (
        ('    ADMIN = "admin"  #', '    INSPECTOR = "inspector"\n    ADMIN = "admin"  #'),
        ('"GET /v1/deliveries": Role.VIEWER', '"GET /v1/deliveries": Role.INSPECTOR'),
    ),
}

ROLE_TRIAL = """
import json
from datetime import UTC, datetime
from gateway.access import Principal
from gateway.api.people import PersonOrder
from gateway.api.rights import CALLS, _may_call
from gateway.ledger.records import Person

def somebody(*roles):
    order = PersonOrder(id="wang-wei", name="王伟", roles=roles)
    return Principal(None, person=Person(order.id, order.name, "", tuple(order.roles), datetime.now(UTC)))

call = "GET /v1/deliveries"
print(json.dumps([_may_call(somebody(role), call, CALLS[call]) for role in ("inspector", "viewer")]))
"""


def test_a_role_is_a_member_and_its_calls(product: Path) -> None:
    """The calls that name it are then open to whoever was given it, and to nobody else."""
    assert _follow(product, NEW_ROLE, ROLE_TRIAL) == [True, False]


@pytest.mark.parametrize("call", sorted(CALLS))
def test_nobody_else_lists_a_call_with_its_role(call: str, strings: Mapping[str, frozenset[str]]) -> None:
    """Who may make a call is told in one place."""
    assert strings[call] == {"gateway/api/rights.py"}
