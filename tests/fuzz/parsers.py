"""Everything that reads bytes from outside, each as one function of bytes, with the seeds to begin from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shapes import SHAPES

from adapters import bundle as bundles
from adapters import formats, source, yaml_events
from adapters.adapter import bundled, load
from adapters.base import Reply
from adapters.bundle.files import read as bundle_files
from adapters.formats import BODY_FORMATS, Format
from adapters.formats.xml import parse_text
from adapters.mapping import compile_mapping
from adapters.native import compile_schema
from adapters.source import BrokenBundle
from adapters.yaml_events import BadYaml
from schemas.findings import Rejected

BODY = 256 * 1024
"""Bytes of an input: what is slow shows in small bodies too."""


@dataclass(frozen=True, slots=True)
class Parser:
    """A reader: it may refuse with what it promises to raise, and nothing else."""

    read: Callable[[bytes], object]
    seeds: Sequence[bytes]


def _refusing(read: Callable[[bytes], object]) -> Callable[[bytes], None]:
    def run(body: bytes) -> None:
        with suppress(Rejected, BrokenBundle):
            read(body[:BODY])

    return run


def _samples(suffix: str) -> list[bytes]:
    found = [
        path for folder in bundled().values() for path in sorted(Path(folder).glob(f"samples/*/1.native.{suffix}"))
    ]
    return [path.read_bytes() for path in found[:12]]


def _body(name: str) -> Parser:
    seeds = [shape(1)[:4_000] for shape in SHAPES[name]().values() if name != "xlsx"]
    if name == "xlsx":
        seeds = [shape(1) for shape in SHAPES["xlsx"]().values()]
    declared = Format(name)
    return Parser(
        _refusing(lambda body: formats.read(declared, body)), [*seeds, *_samples(BODY_FORMATS[name].suffixes[0])]
    )


def _replies() -> Parser:
    adapters = [load(folder) for folder in bundled().values()]
    asked = [(adapter, name) for adapter in adapters for name in sorted(adapter.sends)[:2]]
    queried = [(adapter, name) for adapter in adapters for name in sorted(adapter.queries)]

    def read(body: bytes) -> None:
        reply = Reply(200 + (len(body) % 4) * 100, {"retry-after": body[:9].decode("latin-1")}, body)
        for adapter, name in asked:
            adapter.judge(name, reply)
        for adapter, name in queried:
            with suppress(Rejected):
                adapter.read_query(name, Reply(200, {}, body))

    return Parser(_refusing(read), [b'{"code":0,"data":{"no":42}}', *_body("soap").seeds, *_body("json").seeds])


def _native(suffix: str, declared: Format, bodies: Sequence[bytes], patterned: bytes) -> Parser:
    """`patterned`: a schema whose pattern is asked of the long text of one of the bodies."""
    schemas = [path.read_bytes() for folder in bundled().values() for path in sorted(folder.glob(f"native/*.{suffix}"))]

    def read(content: bytes) -> None:
        compiled = compile_schema(content, f"x.{suffix}", declared)
        for body in bodies:
            for _ in compiled.faults(formats.read(declared, body)):
                pass

    return Parser(_refusing(read), [*schemas[:20], *[patterned] * 10])


def _bundle() -> Parser:
    files = dict(bundle_files(bundled()["penalty"]))

    def read(manifest: bytes) -> None:
        bundles.assemble({**files, "adapter.yaml": manifest})

    return Parser(_refusing(read), [folder.joinpath("adapter.yaml").read_bytes() for folder in bundled().values()])


def _mapping() -> Parser:
    tables = load(bundled()["penalty"]).bundle.codes
    seeds = [path.read_bytes() for folder in bundled().values() for path in sorted(folder.glob("mappings/*.yaml"))]

    def read(content: bytes) -> None:
        program = compile_mapping(source.load(content, "m.yaml"), tables)
        with suppress(Rejected):
            program.inward({"a": [1], "CASE": {"x": "y"}})

    return Parser(_refusing(read), seeds)


def _yaml() -> Parser:
    """Both readers of YAML: what the quick one takes, the strict one must take alike."""
    seeds = [path.read_bytes()[:2_000] for folder in bundled().values() for path in sorted(folder.rglob("*.yaml"))]

    def read(content: bytes) -> None:
        text = content.decode("utf-8", "replace")
        events = yaml_events.quick(text)
        with suppress(BadYaml):
            quick = list(events or ())
            assert not quick or quick == list(yaml_events.strict(text))

    return Parser(_refusing(read), seeds)


_XML_BODIES = (b"<Package><Data><x/></Data></Package>", b"<Package>" + b"a" * 134 + b"</Package>")
_XML_PATTERN = (
    b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="Package"><xs:simpleType>'
    b'<xs:restriction base="xs:string"><xs:pattern value="(a|b)a{1,9}a?(ab)?b"/></xs:restriction>'
    b"</xs:simpleType></xs:element></xs:schema>"
)
_JSON_BODIES = (b'{"a":[1,{"b":"c"}],"d":null}', b'{"p":"' + b"a" * 200_000 + b'"}')
_JSON_PATTERN = rb'{"properties":{"p":{"pattern":"^(?!b)(?:a(?=a*))(a|b)+(?<!c)\1?c"}}}'

PARSERS: Mapping[str, Callable[[], Parser]] = {
    **{name: lambda name=name: _body(name) for name in BODY_FORMATS},
    "replies": _replies,
    "xsd": lambda: _native("xsd", Format("xml", root="Package"), _XML_BODIES, _XML_PATTERN),
    "json-schema": lambda: _native("json", Format("json"), _JSON_BODIES, _JSON_PATTERN),
    "bundle": _bundle,
    "mapping": _mapping,
    "yaml": _yaml,
    "xml-text": lambda: Parser(
        _refusing(lambda body: parse_text(body.decode("utf-8", "replace"))), [b"<a b='c'>d</a>"]
    ),
}
"""Every parser by the name that `make fuzz` takes."""
