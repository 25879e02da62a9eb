"""Count the same fault over many documents, and keep the first as its example."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.findings import Text


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault at a place, how often it was met, and how it looked the first time."""

    code: str
    place: str
    times: int
    example: Text

    def text(self, of: str = "") -> Text:
        """Tell it as one sentence; `of` names the message type."""
        zh, en = (f"{of} 的 ", f" of {of}") if of else ("", "")
        return Text(
            f"{zh}{self.place or '报文'}：{self.example.zh}（{self.times} 次）",
            f"{self.place or 'the body'}{en}: {self.example.en} ({self.times} times)",
        )


class Tally:
    """Faults by code and place."""

    def __init__(self) -> None:
        self._times: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], Text] = {}

    def note(self, code: str, place: str, text: Text) -> None:
        """Count one fault."""
        self._times[code, place] += 1
        self._examples.setdefault((code, place), text)

    def faults(self) -> Iterator[Fault]:
        """Give every kind of fault once."""
        for (code, place), times in self._times.items():
            yield Fault(code, place, times, self._examples[code, place])
