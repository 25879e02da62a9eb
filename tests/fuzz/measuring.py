"""Measure what hostile bodies cost an adapter: processor time at two sizes, and the peak memory of the larger.

Run as a program: the name of a bundled adapter, or of a body format, and perhaps which of its cases; prints one
JSON line a case. Each
case runs in a process of its own, for the parsers' memory is not Python's.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from shapes import SHAPES, Shape, grown, multipart_shapes

from adapters import formats
from adapters.adapter import DeclarativeAdapter, bundled, load
from adapters.base import Reply
from adapters.formats import Format
from schemas.findings import Rejected

Reader = Callable[[bytes], object]
Case = tuple[str, Shape, Reader]


def of_format(name: str) -> Iterator[Case]:
    """Give the cases of one body format."""
    for shape, make in SHAPES[name]().items():
        yield f"{name}: {shape}", make, lambda body: formats.read(Format(name), body, limit=64 * 1024 * 1024)


def of_adapter(adapter: DeclarativeAdapter) -> Iterator[Case]:
    """Give the cases of everything an adapter reads: bodies, replies, and the answers to its queries."""
    seen: set[tuple[str, str]] = set()
    for section, name in adapter.compiled.formats:
        read = _reader(adapter, section, name)
        wire = adapter.compiled.formats[section, name]
        shapes = SHAPES[formats.answered(wire).body if section == "sends" else wire.body]()
        if section == "sends" and wire.body == "soap":
            shapes = {**shapes, **multipart_shapes()}
        # One operation, one reply and one query of each format stand for the others: they share its reader.
        if (section, wire.body) not in seen:
            seen.add((section, wire.body))
            for shape, make in shapes.items():
                yield f"{section} {name}: {shape}", make, read
        for shape, make in _spoilt(adapter, section, name):
            yield f"{section} {name}: {shape}", make, read


def _reader(adapter: DeclarativeAdapter, section: str, name: str) -> Reader:
    if section == "sends":
        return lambda body: adapter.judge(name, Reply(200, {}, body))
    if section == "queries":
        return lambda body: adapter.read_query(name, Reply(200, {}, body))

    def receive(body: bytes) -> None:
        for record in adapter.read(name, body).records:
            with suppress(Rejected):
                adapter.translate_in(name, record)

    return receive


def _spoilt(adapter: DeclarativeAdapter, section: str, name: str) -> Iterator[tuple[str, Shape]]:
    """Grow what the adapter's own sample holds: it passes the envelope and comes as far as the mapping."""
    files = [one for one in adapter.bundle.files if one.startswith(f"samples/{name}/1.native.")]
    for file in files if section == "receives" else ():
        content = adapter.bundle.files[file]
        if file.endswith(".json"):
            for shape, make in grown(json.loads(content)):
                yield shape, lambda size, make=make: json.dumps(make(size), ensure_ascii=False).encode()
        elif b"<Record>" in content:
            wrong = b"<Record><SJC>x</SJC></Record>"
            yield "records", partial(_records, content, b"<Record/>", 2_000)
            yield "wrong records", partial(_records, content, wrong, 1_000)


def _records(sample: bytes, record: bytes, many: int, size: int) -> bytes:
    count = many * size
    start, end = sample.index(b"<Record>"), sample.rindex(b"</Record>") + len(b"</Record>")
    head = sample[:start].replace(b"<JLS>1<", b"<JLS>%d<" % count)
    return head + record * count + sample[end:]


def measured(case: Case) -> dict[str, Any]:
    """Run a case in a child, and give its bytes, seconds at half and at full size, and peak memory in bytes."""
    name, make, read = case
    half, full = make(1), make(2)
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        told = json.dumps(_costs(read, half, full)).encode()
        os.write(theirs, told)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return {"case": name, "half_bytes": len(half), "bytes": len(full), **(json.loads(said) if said else {})}


def _costs(read: Reader, half: bytes, full: bytes) -> dict[str, Any]:
    gc.disable()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    full_seconds = _seconds(read, full)
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    return {"half": _seconds(read, half), "full": full_seconds, "peak": peak}


def _seconds(read: Reader, body: bytes) -> float:
    started = time.process_time()
    with suppress(Rejected):
        read(body)
    return time.process_time() - started


def main(name: str, *only: str) -> None:
    """Print the costs of every case of an adapter or a format, or of those that are named."""
    cases = of_format(name) if name in SHAPES else of_adapter(load(bundled()[name]))
    for case in cases:
        if not only or case[0] in only:
            print(json.dumps(measured(case), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
