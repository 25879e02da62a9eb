"""A page to be followed as printed: its commands, the files and lines it changes, the output it promises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REST = "…"
"""In a changed or promised line: whatever stands there."""

_FENCE = re.compile(r'^```(?P<kind>\w+)(?: title="(?P<file>[^"]+)")?\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: `sh` commands, `text` output, `diff` changed lines, else the whole of `file`."""

    kind: str
    file: str
    text: str

    @property
    def lines(self) -> list[str]:
        """Its lines that hold something."""
        return [line for line in self.text.splitlines() if line.strip()]


def blocks(page: Path) -> list[Block]:
    """Give the fenced blocks of a page, in order."""
    found = _FENCE.finditer(page.read_text(encoding="utf-8"))
    return [Block(one["kind"], one["file"] or "", one["text"]) for one in found]


def edit(block: Block, folder: Path) -> None:
    """Do to a file in `folder` what a block titled with it says; AssertionError when the lines are not there once."""
    file = folder / block.file
    if block.kind != "diff":
        assert file.exists(), f"{block.file} is not a file of the draft"
        file.write_text(block.text, encoding="utf-8")
        return
    text = file.read_text(encoding="utf-8")
    before = "".join(f"{_pattern(line[1:])}\n" for line in block.lines if line[0] in " -")
    found = list(re.finditer(before, text, re.MULTILINE))
    assert len(found) == 1, f"{block.file} holds {len(found)} times\n{block.text}\nbut is\n{text}"
    start, end = found[0].span()
    file.write_text(text[:start] + "".join(_after(block)) + text[end:], encoding="utf-8")


def _after(block: Block) -> Iterator[str]:
    return (f"{line[1:]}\n" for line in block.lines if line[0] in " +")


def _pattern(line: str) -> str:
    return "^" + "[^\n]*".join(re.escape(part) for part in line.split(REST))


def kept(promise: str, output: str) -> bool:
    """Tell whether a promised line was printed; blanks count as one, and `…` for anything."""
    wanted = re.compile(".*".join(re.escape(part) for part in _plain(promise).split(REST)))
    return any(wanted.fullmatch(_plain(line)) for line in output.splitlines())


def _plain(line: str) -> str:
    return re.sub(rf"\s*{REST}\s*", REST, " ".join(line.split()))
