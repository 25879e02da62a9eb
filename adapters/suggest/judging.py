"""Combine what name and values suggest: what each column means, how sure that is, and what a human must decide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from adapters.paths import EACH
from adapters.suggest import fitting, naming, shapes, terms, units
from adapters.suggest.columns import SampleColumn, Steps, Table
from adapters.suggest.fitting import Fit, Level
from adapters.suggest.terms import NO_FIELD
from schemas import documents
from schemas.documents import Field
from schemas.identifiers import CitizenId, CreditCode, PermitNumber, ProjectCode

CONFIDENT = 0.9
"""From here on a suggestion is written into the mapping; below, it is a comment for a human."""

RIVALS = "另有列也像"
"""How the note of a column begins that is not the only one for a field."""

_SHOWN = 0.4
_NAMED = 0.88
_RIVAL = 0.12
_DISPUTED = 0.85
_LEFT = {
    Level.IMPOSSIBLE: 0.3,
    Level.DOUBTFUL: 0.8,
    Level.UNKNOWN: 0.93,
    Level.PLAUSIBLE: 1.0,
    Level.TYPED: 1.0,
    Level.STRONG: 1.0,
}
_GAIN = {Level.TYPED: 0.4, Level.STRONG: 0.65}


class Candidate(Struct, frozen=True):
    """A field that a column may be (`-`: known, and none of the document's)."""

    target: str
    title: str
    confidence: float
    reason: str
    named: float = 0.0
    """How far the name alone says so."""
    possible: bool = True
    """Whether the values could be of this field."""
    checked: bool = False
    """Whether a check digit or a canonical code says so too."""


class Suggestion(Struct, frozen=True):
    """What a column most likely is: `candidates` best first; `note` says why a human must decide."""

    column: SampleColumn
    candidates: tuple[Candidate, ...] = ()
    note: str = ""

    @property
    def best(self) -> Candidate | None:
        """The likeliest candidate."""
        return self.candidates[0] if self.candidates else None

    @property
    def target(self) -> str:
        """The likeliest field, `-` for none of the document's, empty for unknown."""
        return self.best.target if self.best else ""

    @property
    def confidence(self) -> float:
        """How sure the likeliest candidate is, 0 to 1."""
        return self.best.confidence if self.best else 0.0

    @property
    def confident(self) -> bool:
        """Whether it may be written without asking."""
        return self.confidence >= CONFIDENT


def suggest(table: Table, document: str) -> tuple[Suggestion, ...]:
    """Say for each column which field of `document` (as `permit/1`) it is. Pure; the same input, the same answer."""
    judge = _Judge(table, document)
    found = tuple(judge.column(column) for column in table.columns)
    return tuple(_settled(found))


class _Judge:
    """The words and fields of one document, beside the columns of one table."""

    def __init__(self, table: Table, document: str) -> None:
        self.table = table
        self.document = document
        self.fields = documents.fields(document)
        self.prefixes = naming.table_prefixes([column.name for column in table.columns])
        self.lists = dict(_lists(table, document, self.fields, self.prefixes))
        self.credit_codes = [column.path for column in table.columns if _all_are(CreditCode, column)]

    def column(self, column: SampleColumn) -> Suggestion:
        rated = sorted(self._rated(column), key=lambda one: (-one.confidence, one.target))
        shown = tuple(one for one in rated if one.confidence >= _SHOWN or one.named >= _NAMED)
        if not shown:
            return Suggestion(column, tuple(self._by_value(column)), "列名不认识")
        return _disputed(Suggestion(column, shown))

    def _rated(self, column: SampleColumn) -> Iterator[Candidate]:
        for match in self._matches(column):
            if not self._reachable(match.target, column):
                continue
            known = [self.fields[part] for part in match.target.split(", ") if part in self.fields]
            yield self._candidate(match, known, column)

    def _matches(self, column: SampleColumn) -> tuple[naming.Match, ...]:
        within = naming.container(column.within, self.document)
        inside = self.lists.get(column.items or ()) or (within if within else None)
        whole = naming.matches(column.name, terms.vocabulary(self.document), self.prefixes)
        if inside is None:
            return whole
        own = naming.matches(column.name, terms.vocabulary(self.document, f"{inside}."), self.prefixes, inside=True)
        named = {match.target for match in own}
        return (*own, *(replace(match, score=match.score - 0.1) for match in whole if match.target not in named))

    def _reachable(self, target: str, column: SampleColumn) -> bool:
        """A column in a list of objects belongs to that list's fields; one outside, to none of them."""
        if target == NO_FIELD:
            return True
        container = self.lists.get(column.items) if column.items else None
        if column.items:
            return container is not None and target.startswith(f"{container}.")
        head = target.partition("[].")
        return not head[1] or head[0] in ("officers", "monitored_by")

    def _candidate(self, match: naming.Match, known: list[Field], column: SampleColumn) -> Candidate:
        fit = self._fit(match.target, known, column)
        certainty = match.score * _LEFT[fit.level]
        certainty += (1 - certainty) * _GAIN.get(fit.level, 0.0)
        if known and known[0].type == "money" and column.values and self._unit_unknown(known[0], column):
            certainty, fit = min(certainty, _DISPUTED), Fit(fit.level, f"{fit.reason}，单位是元还是万元不明")
        title = " ".join(field.title for field in known)
        reason = f"{match.reason}；{fit.reason}" if fit.reason else match.reason
        possible, checked = fit.level is not Level.IMPOSSIBLE, fit.level is Level.STRONG
        return Candidate(match.target, title, round(min(certainty, 0.99), 2), reason, match.score, possible, checked)

    def _fit(self, target: str, known: list[Field], column: SampleColumn) -> Fit:
        if len(known) > 1:
            mark = shapes.is_range(column.values)
            return Fit(Level.TYPED, f"值以{mark}相连") if mark else Fit(Level.IMPOSSIBLE, "值不是起止日期")
        if not known:
            return Fit(Level.UNKNOWN if not column.values else Level.PLAUSIBLE)
        field = known[0]
        if column.steps[-1] is EACH and not field.repeated:
            return Fit(Level.IMPOSSIBLE, "列是列表，字段不是")
        return fitting.fit(field, column)

    def _unit_unknown(self, field: Field, column: SampleColumn) -> bool:
        return units.unit(column, self.table, fine="investment" not in field.path) is None

    def _by_value(self, column: SampleColumn) -> Iterator[Candidate]:
        """The candidates by values alone, for a column whose name means nothing."""
        if not column.values or column.lists:
            return
        for kind, ends, score in _TELLING:
            if _all_are(kind, column):
                paths = [path for path in self.fields if path.rpartition(".")[2] in ends and "[]" not in path]
                sure = (len(paths) == 1 and kind is not CreditCode) or self._plainly_the_party(kind, column)
                certainty = score if sure else 0.6
                reason = f"列名不认识；值通过{kind.title}校验"
                for path in _party_first(paths)[:3]:
                    yield Candidate(path, self.fields[path].title, certainty, reason)
                    certainty = min(certainty, 0.6)

    def _plainly_the_party(self, kind: object, column: SampleColumn) -> bool:
        """The only credit code of the table, and an enterprise's (GB 32100-2015: 9 is 市场监管).

        Not where a person may be the party: a column for either number would look the same.
        """
        several = {"operator.name", "prepared_by.name", "party.citizen_id"} & self.fields.keys()
        return (
            kind is CreditCode
            and not several
            and self.credit_codes == [column.path]
            and all(text.strip().startswith("9") for text in column.values)
        )


_TELLING = (
    (PermitNumber, ("permit_number",), 0.9),
    (ProjectCode, ("project_code", "code"), 0.88),
    (CreditCode, ("credit_code",), 0.9),
    (CitizenId, ("citizen_id",), 0.7),
)


def _party_first(paths: list[str]) -> list[str]:
    order = ("party.", "holder.", "builder.", "project.")
    return sorted(paths, key=lambda path: next((at for at, head in enumerate(order) if path.startswith(head)), 9))


def _all_are(
    kind: type[CreditCode] | type[CitizenId] | type[PermitNumber] | type[ProjectCode], column: SampleColumn
) -> bool:
    return bool(column.values) and all(shapes.is_identifier(kind, text) for text in column.values)


def _lists(
    table: Table, document: str, fields: Mapping[str, Field], prefixes: frozenset[str]
) -> Iterator[tuple[Steps, str]]:
    """The canonical list that each native list of objects is: by its name, else by what stands in it."""
    inside: dict[Steps, list[SampleColumn]] = defaultdict(list)
    for column in table.columns:
        if column.items:
            inside[column.items].append(column)
    known = [path for path in documents.objects(document) if path.endswith("[]")]
    for steps, columns in inside.items():
        if steps.count(EACH) > 1:
            continue
        names = tuple(step for step in steps if step is not EACH)
        named = naming.container(names[-1:], document)
        chosen = named if named in known else _by_content(known, columns, document, prefixes)
        if chosen:
            yield steps, chosen


def _by_content(known: list[str], columns: list[SampleColumn], document: str, prefixes: frozenset[str]) -> str | None:
    scores = {}
    for path in known:
        words = terms.vocabulary(document, f"{path}.")
        hits = [
            match.score
            for column in columns
            for match in naming.matches(column.name, words, prefixes)[:1]
            if match.target.startswith(f"{path}.")
        ]
        scores[path] = sum(hits) / max(len(columns), 1)
    best = max(scores, key=lambda path: scores[path], default=None)
    return best if best is not None and scores[best] >= 0.5 else None


def _disputed(found: Suggestion) -> Suggestion:
    """Two meanings as likely by name, and neither ruled out by the values: a human decides.

    A check digit settles it, and so does a canonical code.
    """
    best, *others = found.candidates
    rivals = [
        one
        for one in others
        if one.possible and (best.named - one.named < _RIVAL or best.confidence - one.confidence < _RIVAL)
    ]
    if not rivals or best.checked:
        return found
    capped = replace(best, confidence=min(best.confidence, _DISPUTED))
    return replace(found, candidates=(capped, *others), note="有几种可能")


def _settled(found: Iterable[Suggestion]) -> Iterator[Suggestion]:
    """A field takes one column: the surer one; of two as sure, a human chooses."""
    suggestions = list(found)
    claims: dict[tuple[str, Steps], list[float]] = defaultdict(list)
    for one in suggestions:
        if one.confident and one.target != NO_FIELD:
            for part in one.target.split(", "):
                claims[part, one.column.items or ()].append(one.confidence)
    for one in suggestions:
        parts = [claims.get((part, one.column.items or ()), []) for part in one.target.split(", ")]
        held = max(parts, key=len)
        if (
            not one.confident
            or len(held) < 2
            or one.target == NO_FIELD
            or (one.confidence == max(held) and held.count(one.confidence) == 1)
        ):
            yield one
        else:
            best = one.candidates[0]
            capped = replace(best, confidence=min(best.confidence, _DISPUTED))
            yield replace(one, candidates=(capped, *one.candidates[1:]), note=f"{RIVALS}{best.title}")
