"""One query that platforms answer: a request for a page, and the documents in the reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters import formats, paths
from adapters.base import OutboundRequest, Reply, Translation, Tree
from adapters.bundle.grammar import PARAMETERS, Query
from adapters.exchange.receiving import native_paths, translate
from adapters.exchange.request import body_writer, compile_request, merged
from adapters.exchange.scalar import comparable
from adapters.formats.format import Format
from adapters.mapping import Program
from adapters.paths import EACH
from schemas import catalog, documents
from schemas.budget import Budget
from schemas.findings import Finding, Rejected, Text
from schemas.plain import plain
from schemas.scalars import count_of

_PARAMETERS = frozenset(PARAMETERS)


class CompiledQuery:
    """A compiled `queries` entry."""

    def __init__(
        self, declared: Query, wire: Format, program: Program, settings: Mapping[str, Any], budget: Budget
    ) -> None:
        self._reply_format = declared.reply_format.over(wire) if declared.reply_format else wire
        self._request = compile_request(declared.request, wire)
        self._body = body_writer(declared.body, wire)
        self._each = paths.in_body(declared.each)
        self._pages = declared.pages
        self._total = paths.in_body(declared.pages.total) if declared.pages and declared.pages.total else None
        self._program = program
        self._settings = settings
        self._budget = budget
        self._native = native_paths(program.explain())
        document = documents.current(program.document)
        self._type = next(one.name for one in catalog.TYPES.values() if one.document == document)

    def write(self, parameters: Mapping[str, str], settings: Mapping[str, Any], page: int) -> OutboundRequest | None:
        """Write the request for a page (from 1); None when there is no such page or nothing to ask with."""
        if page < 1 or (page > 1 and self._pages is None):
            return None
        turned = {self._pages.number: page, "size": self._pages.size} if self._pages is not None else {}
        values = {**merged(self._settings, settings), **turned, **parameters}
        return self._request.write_known(values, self._body(values), _PARAMETERS)

    def read(
        self, reply: Reply, page: int, budget: Budget | None = None
    ) -> tuple[Sequence[Translation | Rejected], bool]:
        """Read the records of a page, and whether another follows; raises `Rejected` for what is no such page.

        A record that cannot be translated is given as its `Rejected`, with its first finding: the others stand.
        """
        allowed = budget or self._budget
        tree = self._tree(reply, allowed)
        records = paths.values(tree, self._each)
        if len(records) > allowed.records:
            raise allowed.exceeded("records", path=str(self._each))
        if not records and not self._is_empty_answer(tree):
            raise _unreadable("query.unrecognised", f"应答中没有 {self._each}", f"the reply has no {self._each}")
        return list(map(self._record, records)), self._more(tree, len(records), page)

    def _record(self, record: Tree) -> Translation | Rejected:
        try:
            return translate(self._type, self._program, record, self._native)
        except Rejected as error:
            return Rejected(error.code, error.detail, error.findings[:1], status=error.status)

    def _tree(self, reply: Reply, budget: Budget) -> Tree:
        if not 200 <= reply.status < 300:
            raise _unreadable("query.status", f"平台应答 HTTP {reply.status}", f"the platform answered {reply.status}")
        body = formats.read_reply(self._reply_format, reply.body, reply.headers.get("content-type"), budget=budget)
        fault = find(body) if (find := formats.of(self._reply_format).fault) else None
        if fault is not None:
            raise _unreadable(
                "query.fault", f"平台报错：{plain(fault.reason)}", f"the platform failed: {plain(fault.reason)}"
            )
        return body.tree

    def _is_empty_answer(self, tree: Tree) -> bool:
        """Tell an empty result from an error without records: JSON must at least hold the list or what is around it."""
        if formats.of(self._reply_format).elements:
            return True
        start = self._each.steps[0]
        return isinstance(tree, list) if start is EACH else isinstance(tree, dict) and start in tree

    def _more(self, tree: Tree, count: int, page: int) -> bool:
        if self._pages is None or count == 0:
            return False
        total = count_of(comparable(paths.first(tree, self._total))) if self._total is not None else None
        return count >= self._pages.size if total is None else page * self._pages.size < total


def _unreadable(code: str, zh: str, en: str) -> Rejected:
    text = Text(f"{zh}；请稍后再试或联系该平台", f"{en}; try again later or ask the platform's operators")
    return Rejected(code, text, [Finding(code, text)], status=502)
