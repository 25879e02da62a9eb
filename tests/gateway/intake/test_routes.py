"""The routes file: the bundled one says what the domain asks for, and a faulty one names its lines."""

from __future__ import annotations

import pytest

from adapters.source import BrokenBundle, load
from gateway.intake.routes import Reach, parse_routes, read_routes
from gateway.releases.installed import install
from schemas.catalog import TYPES


def destination(to: str) -> str:
    """Write a routes file whose one route, of cases, has one destination, in line 6."""
    return f"kinds: {{a: A, c: C}}\nroutes:\n  case.transferred:\n    from: [a]\n    to:\n      - {to}\n"


@pytest.fixture(scope="module")
def routes():
    """The bundled routes."""
    return read_routes()


def test_every_message_type_has_a_route(routes):
    """Nothing that can be sent is forgotten."""
    assert set(routes.routes) == set(TYPES)


def test_what_concerns_a_permit_goes_to_the_national_platform_as_well(routes):
    """排污许可管理条例 第二十五条."""
    reaches = {(name, place.kind): place.reach for name, route in routes.routes.items() for place in route.destinations}
    assert reaches["inspection.recorded", "pollutant-permit"] is Reach.BOTH
    assert reaches["penalty.decided", "pollutant-permit"] is Reach.BOTH
    assert reaches["project.accepted", "pollutant-permit"] is Reach.NEAREST


def test_every_bundled_adapter_sends_every_type_that_is_routed_to_its_kind(routes):
    """Otherwise its platforms would silently go without."""
    routed: dict[str, set[str]] = {kind: set() for kind in routes.kinds}
    for name, route in routes.routes.items():
        for place in route.destinations:
            asked = routes.of(place.answers).sources if place.answers else {place.kind}
            for kind in asked:
                routed[kind].add(name)
    for adapter in install().all():
        for kind in routes.kinds if adapter.kind == "any" else [adapter.kind]:
            assert routed[kind] <= adapter.sends, (adapter.name, kind)


def test_every_bundled_adapter_receives_only_what_its_kind_may_send(routes):
    """An operation that would always be refused helps nobody."""
    for adapter in install().all():
        for message_type in adapter.receives.values():
            assert adapter.kind in (*routes.of(message_type).sources, "any"), (adapter.name, message_type)


def test_a_destination_may_be_optional_and_from_the_gateway():
    """Where there is no platform of the kind none is missing; what others send of the type goes elsewhere."""
    text = destination("{kind: c, from: [gateway], optional: true}").replace("from: [a]", "from: [a, gateway]")
    [found] = parse_routes(load(text.encode(), "routes.yaml")).of("case.transferred").destinations
    assert (found.sources, found.optional) == (frozenset({"gateway"}), True)
    [plain] = parse_routes(load(destination("c").encode(), "routes.yaml")).of("case.transferred").destinations
    assert not plain.optional


def test_a_type_without_a_route_comes_from_nobody(routes):
    """A shorter routes file switches types off."""
    route = parse_routes(load(b"kinds: {a: A}\nroutes: {}\n", "routes.yaml")).of("case.transferred")
    assert (route.sources, route.destinations) == (frozenset(), ())


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("kinds: {a: A}\nroutes:\n  case.opened: {from: [a], to: [a]}\n", 3, "type.unknown"),
        ("kinds: {a: A}\nroutes:\n  case.transferred: {from: [b], to: [a]}\n", 3, "kind.unknown"),
        ("kinds: {a: A}\nroutes:\n  case.transferred:\n    from: [a]\n    to:\n      - b\n", 6, "kind.unknown"),
        (
            "kinds: {a: A}\nroutes:\n  case.transferred:\n    from: [a]\n    to:\n      - {kind: a, reach: far}\n",
            6,
            "routes.reach",
        ),
        (
            "kinds: {a: A}\nroutes:\n  case.transferred:\n    from: [a]\n    to:\n      - {kind: a, when: [permit]}\n",
            6,
            "field.unknown",
        ),
        ("kinds: {a: A}\nroutes:\n  case.transferred:\n    from: [a]\n    to: [{reach: both}]\n", 5, "routes.target"),
        ("kinds: {a: A}\nroutes:\n  case.transferred:\n    from: [a]\n", 3, "routes.list"),
        ("kinds: {a: A}\nroutes:\n  case.transferred: {from: [a], to: [a], sender: by}\n", 3, "field.unknown"),
        ("kinds: {a: A}\nroutes:\n  case.transferred: {from: [[a]], to: [a]}\n", 3, "kind.unknown"),
        ("kinds: {a: A}\nroutes:\n  case.transferred: {from: [a], to: [{answers: {a: 1}}]}\n", 3, "type.unknown"),
        ("kinds: {a: A}\nroutes:\n  case.transferred: {from: [a], to: [a], sender: [party]}\n", 3, "field.unknown"),
        (destination("{kind: a, when: {at: region}}"), 6, "routes.when"),
        (destination("{kind: a, when: {at: source, is: tip, present: true}}"), 6, "routes.when"),
        (destination("{kind: a, when: {is: tip}}"), 6, "routes.when"),
        (destination("{kind: a, when: {at: source, was: tip}}"), 6, "routes.key"),
        (destination("{kind: a, when: {at: origin, is: tip}}"), 6, "field.unknown"),
        (destination("{kind: a, when: {at: party, is: tip}}"), 6, "field.unknown"),
        (destination("{kind: a, when: {at: 'officers[].name', is: 王一}}"), 6, "field.unknown"),
        (destination("{kind: a, when: {at: source, is: rumour}}"), 6, "routes.value"),
        (destination("{kind: a, when: {at: source, in: [inspection, rumour]}}"), 6, "routes.value"),
        (destination("{kind: a, when: {at: source, is: true}}"), 6, "routes.value"),
        (destination("{kind: a, when: {at: source, in: []}}"), 6, "routes.list"),
        (destination("{kind: a, when: {at: source, present: 1}}"), 6, "routes.present"),
        (destination("{kind: a, when: []}"), 6, "routes.list"),
        (destination("{kind: a, from: [c]}"), 6, "routes.from"),
        (destination("{kind: a, regions: [document, party]}"), 6, "routes.regions"),
        (destination("{kind: a, regions: [sender, sender]}"), 6, "routes.regions"),
        (destination("{kind: a, reach: up, regions: [document, sender]}"), 6, "routes.regions"),
        (destination("{kind: a, optional: perhaps}"), 6, "routes.optional"),
        (destination("{kind: gateway}"), 6, "kind.unknown"),
        ("kinds: {national: A}\nroutes: {}\n", 1, "kind.reserved"),
        ("kinds: {a: A}\nroutes: {}\nmore: 1\n", 3, "routes.key"),
        ("kinds: {a: A}\nroutes:\n  case.transferred: [a]\n", 3, "routes.table"),
        ("- a\n", 1, "routes.table"),
    ],
)
def test_a_fault_is_told_with_its_line(text, line, code):
    """The operator reads where, what, and what to do."""
    with pytest.raises(BrokenBundle) as caught:
        parse_routes(load(text.encode(), "routes.yaml"))
    assert (line, code) in [(one.line, one.code) for one in caught.value.findings]


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("{at: source, is: inspection}", True),
        ("{at: source, in: [complaint, inspection]}", True),
        ("{at: source, is: complaint}", False),
        ("{at: permit_number, present: false}", True),
        ("{at: party, present: true}", True),
        ("{at: party.credit_code, present: true}", False),
        ("[permit_number, party.name]", True),
        ("[permit_number]", False),
    ],
)
def test_a_condition_is_read_and_judged(when, holds):
    """By what one field says, whether it is there, or which of several fields are."""
    text = destination(f"{{kind: a, when: {when}}}")
    (found,) = parse_routes(load(text.encode(), "routes.yaml")).of("case.transferred").destinations
    assert found.when.holds({"source": "inspection", "party": {"name": "杭州示例化工有限公司"}}) is holds


def test_a_file_that_is_not_there_says_which_setting_names_it(tmp_path):
    """HUTONG_ROUTES is the remedy."""
    with pytest.raises(BrokenBundle) as caught:
        read_routes(tmp_path / "none.yaml")
    assert "HUTONG_ROUTES" in caught.value.findings[0].remedy.en
