"""Try many documents, count each kind of fault once, and show it on the smallest document that has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from adapters.base import Document
from adapters.formats import json
from schemas import documents
from schemas.findings import Rejected, Text
from schemas.samples import parties, sample

GENERATED = 200
"""Documents a mapping is tried with, beside the samples."""

MAX_FAULTS = 20
_SHOWN = 400
MAX_CUTS = 2000
"""How many smaller documents are tried at most: a bound on time, not on what is found."""

_BY_CHARACTER = 64

FaultKey = tuple[str, str]
"""A fault's code, and the field or native path that has it."""

FoundFaults = Mapping[FaultKey, Text]


@dataclass(frozen=True, slots=True)
class TrialDocument:
    """A document to try; `file` names the sample it came from, empty for a generated one."""

    document: Document
    file: str = ""


@dataclass(frozen=True, slots=True)
class TrialFault:
    """A kind of fault at one field or path: in how many documents of how many, and the one that shows it."""

    code: str
    place: str
    times: int
    of: int
    said: Text
    shown: Text

    def text(self, about: str = "") -> Text:
        """Say it as one sentence; `about` names the message type."""
        zh, en = (f"{about}：", f"{about}: ") if about else ("", "")
        where = (
            Text("", "") if not self.place or self.place in self.said.en else Text(f"{self.place} ", f"{self.place}: ")
        )
        said = Text(self.said.zh.rstrip("。"), self.said.en.rstrip("."))
        return Text(
            f"{zh}{where.zh}{said.zh}（{self.of} 份文书中 {self.times} 份）；{self.shown.zh}",
            f"{en}{where.en}{said.en} ({self.times} of {self.of} documents); {self.shown.en}",
        )


def generated(name: str, seed: str) -> Iterator[TrialDocument]:
    """Give the documents that a mapping is tried with: always the same for the same seed.

    Among them is every combination of a party's kind and number that the document allows: who is
    identified by the unusual one is lost first.
    """
    random = Random(seed)
    made = [sample(name, random) for _ in range(GENERATED)]
    unusual = list(parties(name, random))
    yield from map(TrialDocument, [*unusual, *made][:GENERATED])


def tried(
    name: str, examples: Iterable[TrialDocument], attempt: Callable[[Document], FoundFaults]
) -> Iterator[TrialFault]:
    """Try documents `name`; give each kind of fault once, at most 20, shown on its smallest document."""
    times: Counter[FaultKey] = Counter()
    first: dict[FaultKey, tuple[Text, TrialDocument]] = {}
    count = 0
    for example in examples:
        count += 1
        for place, said in attempt(example.document).items():
            times[place] += 1
            first.setdefault(place, (said, example))
    for place in list(first)[:MAX_FAULTS]:
        said, shown = _shown(name, place, *first[place], attempt)
        yield TrialFault(*place, times[place], count, said, shown)


def smallest(name: str, document: Document, fails: Callable[[Document], bool]) -> Document:
    """Make a document smaller while it is a valid `name` in normal form and still `fails`.

    Always the same for the same document. What comes back cannot lose one field, list item or piece
    of text more, unless the bound on tries was met first.
    """
    tries = iter(range(MAX_CUTS))
    while True:
        cuts = (cut for _, cut in zip(tries, _smaller(document), strict=False))
        less = next((cut for cut in cuts if _is_normal(name, cut) and fails(cut)), None)
        if less is None:
            return document
        document = less


def _shown(
    name: str, place: FaultKey, said: Text, example: TrialDocument, attempt: Callable[[Document], FoundFaults]
) -> tuple[Text, Text]:
    """Give the text and what shows it. A sample is named, not quoted: it may hold a real person's details."""
    if example.file:
        return said, Text(f"见样例 {example.file}", f"see the sample {example.file}")
    least = smallest(name, example.document, lambda document: place in attempt(document))
    text = json.dump(least).decode("utf-8")
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return attempt(least)[place], Text(f"最小反例 {text}", f"smallest counterexample {text}")


def _is_normal(name: str, document: Document) -> bool:
    try:
        return documents.check(name, document).document == document
    except Rejected:
        return False


def _smaller(node: Any) -> Iterator[Any]:
    """Give every way to make a tree smaller by one cut, the widest first."""
    if isinstance(node, dict):
        yield from ({name: value for name, value in node.items() if name != left_out} for left_out in node)
        yield from ({**node, name: less} for name, value in node.items() for less in _smaller(value))
    elif isinstance(node, list):
        yield from (node[:index] + node[index + 1 :] for index in range(len(node)))
        yield from (
            [*node[:index], less, *node[index + 1 :]] for index, one in enumerate(node) for less in _smaller(one)
        )
    elif isinstance(node, str) and len(node) > 1:
        yield from _shorter(node)


def _shorter(text: str) -> Iterator[str]:
    half = len(text) // 2
    yield from (text[:half], text[half:])
    if len(text) <= _BY_CHARACTER:
        yield from (text[:index] + text[index + 1 :] for index in range(len(text)))
