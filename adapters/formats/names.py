"""XML names by the prefixes a bundle declares, whatever prefixes a sender uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.formats import rejections

XSI = "http://www.w3.org/2001/XMLSchema-instance"
XML = "http://www.w3.org/XML/1998/namespace"


class Names:
    """Turn `prefix:name` into the parser's `{uri}name` and back.

    A name in a namespace that nobody declared reads as its local name: senders rarely agree on
    namespaces, and the mapping is what tells the fields.
    """

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self._uris = {**namespaces, "xml": XML}
        self._prefixes = {uri: prefix for prefix, uri in self._uris.items()}
        self.declared: Any = {prefix or None: uri for prefix, uri in namespaces.items()}

    def short(self, name: str) -> str:
        """Give the name as paths write it."""
        if not name.startswith("{"):
            return name
        uri, _, local = name[1:].partition("}")
        prefix = self._prefixes.get(uri, "")
        return f"{prefix}:{local}" if prefix else local

    def long(self, name: str, *, attribute: bool = False) -> str:
        """Give the parser's name; raises `Rejected` for an undeclared prefix or an impossible name."""
        prefix, colon, local = name.rpartition(":")
        if not colon and (attribute or "" not in self._uris):
            return _possible(name)
        uri = self._uris.get(prefix)
        if uri is None:
            raise rejections.reject(
                "xml.prefix",
                f"命名空间前缀 {prefix} 未声明；请在 format.namespaces 中声明",
                f"namespace prefix {prefix} is not declared; declare it in format.namespaces",
                status=422,
                path=name,
            )
        return f"{{{uri}}}{_possible(local)}"


def _possible(name: str) -> str:
    if not name or name[0] in "-.0123456789" or not all(c.isalnum() or c in "_-.·" for c in name):
        raise rejections.reject(
            "xml.name", f"{name} 不能作为 XML 名称", f"{name} cannot be an XML name", status=422, path=name
        )
    return name
