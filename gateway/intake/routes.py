"""The routes, read from a file: which message type may come from which kinds, and where it goes."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from msgspec import Struct

import schemas
from adapters.source import BrokenBundle, BundleFinding, Source, load
from schemas import catalog, documents
from schemas.findings import Text

BUNDLED = Path(schemas.__file__).parent / "routes.yaml"


class Reach(StrEnum):
    """How far a route reaches for a platform of its kind."""

    NEAREST = "nearest"
    NATIONAL = "national"
    BOTH = "both"


class RouteDestination(Struct, frozen=True):
    """Where a message goes: a kind, or the sender of the message that it `answers`.

    `when` names canonical fields; one of them must be in the document. Empty: always.
    """

    kind: str | None = None
    reach: Reach = Reach.NEAREST
    when: tuple[str, ...] = ()
    answers: str | None = None


class Route(Struct, frozen=True):
    """Where messages of one type come from and go to. `sender` is the field that names who sent it."""

    type: str
    sources: frozenset[str]
    destinations: tuple[RouteDestination, ...]
    sender: str | None = None

    answers: str | None = None
    """The type of the message that this one answers, if it answers one."""


class Routes(Struct, frozen=True):
    """Every route, by message type, and the title of every kind."""

    kinds: Mapping[str, str]
    routes: Mapping[str, Route]

    def of(self, message_type: str) -> Route:
        """Give the route of a type; a type that the file does not name comes from nobody and goes nowhere."""
        return self.routes.get(message_type) or Route(message_type, frozenset(), ())


def read_routes(path: Path | None = None) -> Routes:
    """Read a routes file (the bundled one unless given); BrokenBundle lists every fault with its line."""
    file = path or BUNDLED
    try:
        text = file.read_bytes()
    except OSError as error:
        raise BrokenBundle([_unreadable(file, error)]) from None
    return parse_routes(load(text, str(file)))


def parse_routes(source: Source) -> Routes:
    """Check a routes file and make it values."""
    return _Reading(source).routes()


def _unreadable(file: Path, error: OSError) -> BundleFinding:
    message = Text(f"路由文件无法读取：{error.strerror}", f"the routes file cannot be read: {error.strerror}")
    remedy = Text("请检查 HUTONG_ROUTES 所指的路径", "check the path that HUTONG_ROUTES names")
    return BundleFinding("routes.unreadable", message, remedy, str(file))


def _named(value: Any, known: Container[str]) -> bool:
    return isinstance(value, str) and value in known


@dataclass
class _Reading:
    """One pass over a file that gathers its faults."""

    source: Source
    faults: list[BundleFinding] = field(default_factory=list)

    def routes(self) -> Routes:
        top = self._table(self.source.value, ("kinds", "routes"))
        titles = self._table(top.get("kinds"), None, "kinds")
        self._kinds = {str(kind): str(title) for kind, title in titles.items()}
        table = self._table(top.get("routes"), None, "routes")
        routes = {name: self._route(str(name), value) for name, value in table.items()}
        if self.faults:
            raise BrokenBundle(self.faults)
        return Routes(self._kinds, routes)

    def _route(self, name: str, value: Any) -> Route:
        at = ("routes", name)
        if name not in catalog.TYPES:
            self._fault("type.unknown", f"{name} 不是已知的消息类型", f"{name} is not a message type", *at)
            return Route(name, frozenset(), ())
        table = self._table(value, ("from", "sender", "to"), *at)
        sources = [self._kind(kind, *at, "from", index) for index, kind in self._list(table, "from", *at)]
        destinations = [self._destination(name, one, *at, "to", index) for index, one in self._list(table, "to", *at)]
        sender = table.get("sender")
        if sender is not None:
            self._field(name, sender, *at, "sender")
        answers = next((one.answers for one in destinations if one.answers), None)
        return Route(name, frozenset(sources), tuple(destinations), sender, answers)

    def _destination(self, name: str, value: Any, *at: str | int) -> RouteDestination:
        if isinstance(value, str):
            return RouteDestination(self._kind(value, *at))
        table = self._table(value, ("kind", "reach", "when", "answers"), *at)
        if ("kind" in table) == ("answers" in table):
            self._fault("routes.target", "须写 kind 或 answers 之一", "write either kind or answers", *at)
            return RouteDestination()
        when = tuple(str(one) for _, one in self._list(table, "when", *at)) if "when" in table else ()
        for index, one in enumerate(when):
            self._field(name, one, *at, "when", index)
        if "answers" in table:
            return RouteDestination(when=when, answers=self._answered(table["answers"], *at, "answers"))
        return RouteDestination(self._kind(table["kind"], *at, "kind"), self._reach(table, *at), when)

    def _answered(self, value: Any, *at: str | int) -> str:
        if not _named(value, catalog.TYPES):
            self._fault("type.unknown", f"{value} 不是已知的消息类型", f"{value} is not a message type", *at)
        return str(value)

    def _reach(self, table: Mapping[str, Any], *at: str | int) -> Reach:
        value = table.get("reach", Reach.NEAREST)
        if _named(value, tuple(Reach)):
            return Reach(value)
        known = ", ".join(Reach)
        self._fault("routes.reach", f"reach 只能是 {known}", f"reach must be one of {known}", *at, "reach")
        return Reach.NEAREST

    def _kind(self, value: Any, *at: str | int) -> str:
        if not _named(value, self._kinds):
            self._fault("kind.unknown", f"kinds 中没有 {value}", f"{value} is not listed under kinds", *at)
        return str(value)

    def _field(self, name: str, value: Any, *at: str | int) -> None:
        document = catalog.TYPES[name].document
        if not _named(value, documents.fields(document)):
            self._fault("field.unknown", f"{document} 没有字段 {value}", f"{document} has no field {value}", *at)

    def _list(self, table: Mapping[str, Any], key: str, *at: str | int) -> list[tuple[int, Any]]:
        value = table.get(key)
        if isinstance(value, list) and value:
            return list(enumerate(value))
        self._fault("routes.list", f"{key} 须为非空列表", f"{key} must be a list with something in it", *at, key)
        return []

    def _table(self, value: Any, known: tuple[str, ...] | None, *at: str | int) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._fault("routes.table", "此处须为键值表", "a table of keys and values belongs here", *at)
            return {}
        for key in value:
            if known is not None and key not in known:
                names = ", ".join(known)
                self._fault(
                    "routes.key", f"未知的键 {key}，可用：{names}", f"unknown key {key}; known: {names}", *at, key
                )
        return value

    def _fault(self, code: str, zh: str, en: str, *at: str | int) -> None:
        remedy = Text("请更正路由文件的这一行", "correct this line of the routes file")
        self.faults.append(self.source.finding(code, Text(zh, en), remedy, *at))
