"""What is added to an adapter's verdict: how long to wait, and why a reply could not be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters.base import UNREADABLE, Reply, Verdict, VerdictKind
from gateway.delivery.decoding import LARGEST_REPLY
from gateway.delivery.verdicts import asked_wait, described, judged

AT = datetime(2026, 9, 1, 8, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "Tue, 01 Sep 2026 08:02:00 GMT"}, 120),
        ({"retry-after": "Tue, 01 Sep 2026 08:02:00 GMT", "date": "Tue, 01 Sep 2026 08:01:00 GMT"}, 60),
        ({"retry-after": "Tue, 01 Sep 2026 08:02:00 GMT", "date": "nonsense"}, 120),
        ({"retry-after": "Tue, 01 Sep 2026 16:02:00 +0800"}, 120),
        ({"retry-after": "Tue, 01 Sep 2026 07:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    """A date is compared with the reply's own, or with the moment it came."""
    asked = asked_wait(headers, AT)
    assert (None if asked is None else asked.total_seconds()) == seconds


@pytest.mark.parametrize("said", ["99999999999999999999", "9" * 900, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_an_absurd_wait_is_capped_and_told(said: str) -> None:
    """The delivery goes on after the longest wait, and the attempt says what was asked."""
    verdict = judged(Verdict(VerdictKind.RETRY, code="http.429"), Reply(429, {"retry-after": said}), AT, HOUR)
    assert verdict.after == HOUR
    assert verdict.reason is not None
    assert "Retry-After" in verdict.reason
    assert "3600" in verdict.reason


def test_the_longest_wait_is_a_setting() -> None:
    """An operator may allow more, or less."""
    reply = Reply(503, {"retry-after": "7200"})
    longer = judged(Verdict(VerdictKind.RETRY), reply, AT, timedelta(hours=3))
    assert (longer.after, longer.reason) == (timedelta(hours=2), None)


def test_a_yes_is_left_as_it_is() -> None:
    """Whatever its headers say."""
    accepted = Verdict(VerdictKind.ACCEPTED, reference="R-1")
    assert judged(accepted, Reply(200, {"retry-after": "60"}), AT, HOUR) is accepted


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            Reply(200, {"content-type": "text/html"}, b"<html>\n  <title>502</title>"),
            "HTTP 200, text/html: <html> <t",
        ),
        (Reply(302, {"location": "/login"}), "HTTP 302 → /login, no content type, no body"),
        (Reply(404, {"content-type": "text/html"}, b"<html>redeploying"), "HTTP 404, text/html: <html>redeploying"),
    ],
)
def test_the_attempt_keeps_why_a_reply_could_not_be_read(reply: Reply, said: str) -> None:
    """What it was, where it pointed, and how it began."""
    verdict = judged(Verdict(VerdictKind.RETRY, code=UNREADABLE), reply, AT, HOUR)
    assert verdict.reason is not None
    assert verdict.reason.startswith(said)


def test_an_adapter_that_says_why_itself_is_believed() -> None:
    """Its words stand."""
    verdict = judged(Verdict(VerdictKind.RETRY, code=UNREADABLE, reason="第 3 行不是 JSON"), Reply(200), AT, HOUR)
    assert verdict.reason == "第 3 行不是 JSON"


def test_a_reply_that_was_cut_is_told_so() -> None:
    """Whoever reads that it cannot be read learns that the rest was left out."""
    assert "cut at 1048576 bytes" in described(Reply(200, {}, b"{" + b" " * (LARGEST_REPLY - 1)))
    assert "cut" not in described(Reply(200, {}, b"{"))


def test_what_came_instead_is_told_without_escapes_and_long_numbers() -> None:
    """It is shown in terminals and pages, and long numbers may be people's."""
    text = described(Reply(200, {}, b"\x1b[31m citizen 330102199001011234 \xe2\x80\xae phone 13800138000"))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "3301" not in text
    assert "1380" not in text
