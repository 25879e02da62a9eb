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
from schemas import catalog, documents, route_condition
from schemas.codes import table
from schemas.findings import Text
from schemas.route_condition import ALWAYS, RouteCondition

BUNDLED = Path(schemas.__file__).parent / "routes.yaml"

GATEWAY = "gateway"
"""What a route says it is `from` where the gateway itself sends it; no platform is of this kind."""


class Reach(StrEnum):
    """How far a route reaches for a platform of its kind."""

    NEAREST = "nearest"
    NATIONAL = "national"
    BOTH = "both"
    UP = "up"


class About(StrEnum):
    """Whose region a route starts from: the document's, or its sender's where the document is about a place outside."""

    DOCUMENT = "document"
    SENDER = "sender"


class RouteDestination(Struct, frozen=True):
    """Where a message goes: a kind, or the sender of the message that it `answers`.

    `when` is what the document must say, `sources` are the kinds whose messages go there (empty: all that may
    send it), `regions` those whose nearest platform is sought. `optional`: where there is no platform, none is missing.
    """

    kind: str | None = None
    reach: Reach = Reach.NEAREST
    when: RouteCondition = ALWAYS
    answers: str | None = None
    sources: frozenset[str] = frozenset()
    regions: tuple[About, ...] = (About.DOCUMENT,)
    optional: bool = False


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


def _possible(field: documents.Field, value: Any) -> bool:
    """Tell whether a field of a document may have a value: yes and no are said by true and false alone."""
    if (field.type == "bool") is not isinstance(value, bool) or not isinstance(value, bool | int | str):
        return False
    return field.codes is None or str(value) in table(field.codes)


@dataclass
class _Reading:
    """One pass over a file that gathers its faults."""

    source: Source
    faults: list[BundleFinding] = field(default_factory=list)

    def routes(self) -> Routes:
        top = self._table(self.source.value, ("kinds", "routes"))
        titles = self._table(top.get("kinds"), None, "kinds")
        self._kinds = {str(kind): str(title) for kind, title in titles.items()}
        for kind in self._kinds.keys() & set(Reach):
            self._fault("kind.reserved", f"{kind} 是 reach 的取值", f"{kind} is a reach", "kinds", kind)
        if GATEWAY in self._kinds:
            zh, en = f"{GATEWAY} 指网关本身", f"{GATEWAY} is the gateway itself"
            self._fault("kind.reserved", zh, en, "kinds", GATEWAY)
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
        sources = [self._source(kind, *at, "from", index) for index, kind in self._list(table, "from", *at)]
        destinations = [self._destination(name, one, *at, "to", index) for index, one in self._list(table, "to", *at)]
        for index, one in enumerate(destinations):
            for kind in sorted(one.sources - set(sources)):
                zh, en = f"{kind} 不在本路由的 from 之内", f"{kind} is not among the kinds that this route is from"
                self._fault("routes.from", zh, en, *at, "to", index, "from")
        sender = table.get("sender")
        if sender is not None:
            self._field(name, sender, *at, "sender")
        answers = next((one.answers for one in destinations if one.answers), None)
        return Route(name, frozenset(sources), tuple(destinations), sender, answers)

    def _destination(self, name: str, value: Any, *at: str | int) -> RouteDestination:
        if isinstance(value, str):
            return RouteDestination(self._kind(value, *at))
        table = self._table(value, ("kind", "reach", "regions", "when", "from", "answers", "optional"), *at)
        if ("kind" in table) == ("answers" in table):
            self._fault("routes.target", "须写 kind 或 answers 之一", "write either kind or answers", *at)
            return RouteDestination()
        when = self._when(name, table["when"], *at, "when") if "when" in table else ALWAYS
        listed = self._list(table, "from", *at) if "from" in table else []
        sources = frozenset(self._source(kind, *at, "from", index) for index, kind in listed)
        if "answers" in table:
            answered = self._answered(table["answers"], *at, "answers")
            return RouteDestination(when=when, answers=answered, sources=sources)
        kind, reach = self._kind(table["kind"], *at, "kind"), self._reach(table, *at)
        optional = table.get("optional", False)
        if not isinstance(optional, bool):
            zh, en = "optional 须为 true 或 false", "optional must be true or false"
            self._fault("routes.optional", zh, en, *at, "optional")
        regions = self._regions(table, reach, *at)
        return RouteDestination(kind, reach, when, sources=sources, regions=regions, optional=optional is True)

    def _when(self, name: str, value: Any, *at: str | int) -> RouteCondition:
        """Read a condition: fields one of which must be there, or what one field must hold."""
        if isinstance(value, list):
            for index, one in enumerate(value):
                self._field(name, one, *at, index)
            if not value:
                self._list({"when": value}, "when", *at[:-1])
            return RouteCondition(named=tuple(map(str, value)))
        table = self._table(value, ("at", "is", "in", "present"), *at)
        said = [key for key in ("is", "in", "present") if key in table]
        if "at" not in table or len(said) != 1:
            zh, en = "须写 at，并写 is、in、present 之一", "write at, and one of is, in and present"
            self._fault("routes.when", zh, en, *at)
            return ALWAYS
        if said == ["present"]:
            self._present(name, table, *at)
        else:
            self._values(name, table, said[0], *at)
        return ALWAYS if self.faults else route_condition.read(table)

    def _present(self, name: str, table: Mapping[str, Any], *at: str | int) -> None:
        document, path = catalog.TYPES[name].document, table["at"]
        if not _named(path, documents.objects(document)):
            self._field(name, path, *at, "at")
        if not isinstance(table["present"], bool):
            self._fault("routes.present", "present 须为 true 或 false", "present must be true or false", *at, "present")

    def _values(self, name: str, table: Mapping[str, Any], key: str, *at: str | int) -> None:
        """Look whether a field can have the values that it is compared with: a value that it cannot is a mistake."""
        if not self._field(name, table["at"], *at, "at"):
            return
        field = documents.fields(catalog.TYPES[name].document)[table["at"]]
        listed = [value for _, value in self._list(table, "in", *at)] if key == "in" else [table["is"]]
        for value in listed:
            if not _possible(field, value):
                zh, en = f"{field.path} 不会是 {value}", f"{field.path} is never {value}"
                self._fault("routes.value", zh, en, *at, key)

    def _regions(self, table: Mapping[str, Any], reach: Reach, *at: str | int) -> tuple[About, ...]:
        if "regions" not in table:
            return (About.DOCUMENT,)
        listed = [one for _, one in self._list(table, "regions", *at)]
        known = ", ".join(About)
        if not all(_named(one, tuple(About)) for one in listed) or len(listed) != len(set(map(str, listed))):
            zh, en = f"regions 只能列出 {known}，每个一次", f"regions lists {known}, each once"
            self._fault("routes.regions", zh, en, *at, "regions")
            return (About.DOCUMENT,)
        if About.SENDER in listed and reach not in (Reach.NEAREST, Reach.BOTH):
            zh, en = "regions 含 sender 时 reach 只能是 nearest 或 both", "sender needs the reach nearest or both"
            self._fault("routes.regions", zh, en, *at, "regions")
        return tuple(About(one) for one in listed)

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

    def _source(self, value: Any, *at: str | int) -> str:
        return GATEWAY if value == GATEWAY else self._kind(value, *at)

    def _kind(self, value: Any, *at: str | int) -> str:
        if not _named(value, self._kinds):
            self._fault("kind.unknown", f"kinds 中没有 {value}", f"{value} is not listed under kinds", *at)
        return str(value)

    def _field(self, name: str, value: Any, *at: str | int) -> bool:
        """Look whether a document has a field, which is no part of a list; told if not."""
        document = catalog.TYPES[name].document
        known = _named(value, documents.fields(document)) and "[" not in value
        if not known:
            self._fault("field.unknown", f"{document} 没有字段 {value}", f"{document} has no field {value}", *at)
        return known

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
