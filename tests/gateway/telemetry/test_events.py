from __future__ import annotations

from gateway.telemetry.events import Event, Events, PlatformHeld

HELD = PlatformHeld("penalty.330000", "breaker")


def test_every_hook_gets_every_event_in_order() -> None:
    """Hooks are told one after the other."""
    heard: list[tuple[str, Event]] = []
    events = Events([lambda event: heard.append(("a", event)), lambda event: heard.append(("b", event))])
    events(HELD)
    assert heard == [("a", HELD), ("b", HELD)]


def test_a_hook_that_fails_stops_no_other() -> None:
    """What watches may break; what is watched goes on, and the next hook is told."""
    heard: list[Event] = []

    def broken(event: Event) -> None:
        raise RuntimeError("full disk")

    Events([broken, heard.append])(HELD)
    assert heard == [HELD]
