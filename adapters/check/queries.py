"""Do queries ask for the enterprise they are asked about, page by page, and answer with the right documents?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from adapters import placeholders
from adapters.bundle.grammar import PARAMETERS, QUERIES
from adapters.check.subject import Subject
from adapters.source import BundleFinding
from schemas import catalog
from schemas.findings import Text

DOCUMENTS: Mapping[str, frozenset[str]] = {
    name: frozenset(one.document for one in catalog.of_dossier(name)) for name in QUERIES
}
"""What each query may answer with."""


def faults(subject: Subject, name: str) -> Iterator[BundleFinding]:
    """Report a query that would answer with every party's documents, without end, or with other documents."""
    source, query = subject.bundle.source, subject.bundle.manifest.queries[cast("Any", name)]
    used = placeholders.names(query.request.path) | placeholders.names(query.body)
    document = subject.compiled.programs[query.mapping].document
    if document not in DOCUMENTS[name]:
        wanted = "、".join(sorted(DOCUMENTS[name]))
        text = Text(f"{name} 的结果应是 {wanted}，映射的是 {document}", f"{name} gives {wanted}, not {document}")
        remedy = Text("请改用对应文档的映射", "use a mapping of such a document")
        yield source.finding("query.document", text, remedy, "queries", name, "mapping")
    if not used & frozenset(PARAMETERS):
        yield source.finding("query.parameter", _EVERYBODY, _PARAMETER, "queries", name, "request")
    if query.pages is not None and query.pages.number not in used:
        yield source.finding("query.page", _SAME_PAGE, _PAGE, "queries", name, "pages")


_EVERYBODY = Text(
    "请求中没有查询条件，会取回所有企业的数据", "the request names nobody: it would fetch everybody's documents"
)
_PARAMETER = Text(
    "请在 path 或 body 中使用 {credit_code}、{permit_number} 或 {project_code}",
    "use {credit_code}, {permit_number} or {project_code} in path or body",
)
_SAME_PAGE = Text("声明了分页，请求中却没有页码", "pages are declared, and the request has no page number")
_PAGE = Text("请在 path 或 body 中使用 pages.number 所指的占位符", "use the placeholder that pages.number names")
