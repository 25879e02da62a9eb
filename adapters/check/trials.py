"""Try many documents, count each kind of fault once, and show it on the smallest document that has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from adapters.base import Document
from adapters.check.smallest import smallest
from adapters.formats import json
from schemas.findings import Text
from schemas.samples import sample

GENERATED = 200
"""Documents a mapping is tried with, beside the samples."""

MAX_FAULTS = 20
_SHOWN = 400

Place = tuple[str, str]
"""A fault's code, and the field or native path that has it."""

Faults = Mapping[Place, Text]


@dataclass(frozen=True, slots=True)
class Example:
    """A document to try; `file` names the sample it came from, empty for a generated one."""

    document: Document
    file: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault at a place: in how many documents of how many, and what shows it."""

    code: str
    place: str
    times: int
    of: int
    said: Text
    shown: Text

    def text(self, about: str = "") -> Text:
        """Tell it as one sentence; `about` names the message type."""
        zh, en = (f"{about}：", f"{about}: ") if about else ("", "")
        where = (
            Text("", "") if not self.place or self.place in self.said.en else Text(f"{self.place} ", f"{self.place}: ")
        )
        said = Text(self.said.zh.rstrip("。"), self.said.en.rstrip("."))
        return Text(
            f"{zh}{where.zh}{said.zh}（{self.of} 份文书中 {self.times} 份）；{self.shown.zh}",
            f"{en}{where.en}{said.en} ({self.times} of {self.of} documents); {self.shown.en}",
        )


def generated(name: str, seed: str) -> Iterator[Example]:
    """Give the documents that a mapping is tried with: always the same for the same seed."""
    random = Random(seed)
    for _ in range(GENERATED):
        yield Example(sample(name, random))


def tried(name: str, examples: Iterable[Example], attempt: Callable[[Document], Faults]) -> Iterator[Fault]:
    """Try documents `name`; give each kind of fault once, at most 20, shown on its smallest document."""
    times: Counter[Place] = Counter()
    first: dict[Place, tuple[Text, Example]] = {}
    count = 0
    for example in examples:
        count += 1
        for place, said in attempt(example.document).items():
            times[place] += 1
            first.setdefault(place, (said, example))
    for place in list(first)[:MAX_FAULTS]:
        said, shown = _shown(name, place, *first[place], attempt)
        yield Fault(*place, times[place], count, said, shown)


def _shown(
    name: str, place: Place, said: Text, example: Example, attempt: Callable[[Document], Faults]
) -> tuple[Text, Text]:
    """A sample is named and not quoted: it may have been somebody's real document."""
    if example.file:
        return said, Text(f"见样例 {example.file}", f"see the sample {example.file}")
    least = smallest(name, example.document, lambda document: place in attempt(document))
    text = json.dump(least).decode("utf-8")
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return attempt(least)[place], Text(f"最小反例 {text}", f"smallest counterexample {text}")
