"""Readers: what they read, what becomes of what takes too much, and that nothing of it reaches the gateway."""

import asyncio
import os
import pickle
import signal
import sys
from functools import partial
from pathlib import Path

import pytest
import uvloop
from reading_tasks import Die, Fail, Grow, Say, Secrets, Smuggle, Spin, Talk, Wait

from adapters import bundled
from gateway.errors import Busy, Unavailable
from gateway.intake.translator import ReadNative, ReadNativeApart
from gateway.readers import ReaderBounds, Readers, TooCostly, frames, is_heavy
from gateway.readers.places import Places
from gateway.readers.pool import MOST_WAITING
from gateway.readers.process import ReaderFault, ReaderProcess
from gateway.telemetry.events import Events, ReadApart
from schemas.budget import STANDARD
from schemas.findings import Rejected

OWNER = "penalty.330000"
pytestmark = pytest.mark.limit(60)


async def test_a_task_is_done_with_its_own_adapter(new_readers, penalty, permits):
    """The bundle is sent once; the same process does one job after the other."""
    readers = new_readers()
    assert await readers.run(OWNER, penalty, Say()) == ["penalty"]
    assert await readers.run(OWNER, permits, Say((1, "二", None))) == ["pollutant-permit", 1, "二", None]
    assert await readers.run(OWNER, penalty, Say()) == ["penalty"]
    assert readers.count() == 1


async def test_more_values_than_one_frame_holds_come_in_order(new_readers, penalty):
    """However many there are."""
    values = tuple(range(1000))
    assert (await new_readers().run(OWNER, penalty, Say(values)))[1:] == list(values)


@pytest.mark.parametrize(
    ("name", "operation", "sample"),
    [("pollutant-permit", "permit", "1.native.xml"), ("penalty", "decision", "1.native.json")],
)
async def test_a_document_read_apart_is_the_one_read_here(new_readers, request, name, operation, sample):
    """Documents, warnings, identities and the native tree, with every type that values have."""
    adapter = request.getfixturevalue("permits" if operation == "permit" else "penalty")
    body = (bundled()[name] / "samples" / operation / sample).read_bytes()
    task = ReadNative(operation, body, None, STANDARD)
    assert await new_readers().run(OWNER, adapter, ReadNativeApart(task)) == list(task(adapter))


async def test_what_is_rejected_apart_is_rejected_here(new_readers, penalty):
    """With code, status and every finding."""
    task = ReadNative("decision", b"{", "application/json", STANDARD)
    with pytest.raises(Rejected) as here:
        list(task(penalty))
    with pytest.raises(Rejected) as apart:
        await new_readers().run(OWNER, penalty, task)
    assert vars(apart.value) == vars(here.value)


async def test_a_platforms_bounds_hold_apart(new_readers, permits):
    """The budget goes with the task: what is more than it allows is refused there as it would be here."""
    body = (bundled()["pollutant-permit"] / "samples" / "permit" / "1.native.xml").read_bytes()
    task = ReadNative("permit", body, None, STANDARD.raised({"nodes": 3}))
    with pytest.raises(Rejected) as caught:
        await new_readers().run(OWNER, permits, ReadNativeApart(task))
    assert (caught.value.code, caught.value.status) == ("bound.nodes", 413)
    assert await new_readers().run(OWNER, permits, ReadNativeApart(ReadNative("permit", body, None, STANDARD)))


@pytest.mark.parametrize(
    ("task", "seconds", "why"), [(Spin(), 1, "time"), (Grow(), 30, "memory"), (Talk(), 30, "answer")]
)
async def test_what_takes_too_much_is_stopped(new_readers, penalty, task, seconds, why):
    """By the kernel, or as soon as the answer is too long; the next one is read as ever."""
    events = []
    readers = new_readers(events, seconds=seconds)
    with pytest.raises(TooCostly) as caught:
        await readers.run(OWNER, penalty, task)
    assert caught.value.why == why
    assert await readers.run(OWNER, penalty, Say()) == ["penalty"]
    assert [one.outcome for one in events if isinstance(one, ReadApart)] == [why, "ok"]
    assert readers.count() == 1


@pytest.mark.parametrize("by", [signal.SIGABRT, signal.SIGSEGV])
async def test_a_crash_is_one_callers(new_readers, penalty, tmp_path, by):
    """Code below ours that aborts takes nothing with it but that body."""
    readers = new_readers()
    with pytest.raises(TooCostly) as caught:
        await readers.run(OWNER, penalty, Die(by, 1, str(tmp_path)))
    assert caught.value.why == "crash"


async def test_who_was_killed_from_outside_is_asked_again(new_readers, penalty, tmp_path):
    """That says nothing of the body; killed a second time, its sender may come again."""
    readers = new_readers()
    assert await readers.run(OWNER, penalty, _dying(tmp_path, 1)) == ["alive"]
    with pytest.raises(Unavailable) as caught:
        await readers.run(OWNER, penalty, _dying(tmp_path, 9))
    assert caught.value.code == "reader.unavailable"


def _dying(folder, times):
    return Die(signal.SIGKILL, times, str(folder))


async def test_who_waits_too_long_may_come_again(new_readers, penalty):
    """A machine that is slow is not the body's fault."""
    with pytest.raises(Unavailable):
        await new_readers(patience=0.3).run(OWNER, penalty, Wait())


FLOODS = """
import os, signal, sys
for _ in range(48):
    os.write(1, bytes(4096))
open(sys.argv[1], "x").close()
signal.pause()
"""
"""Writes more than is taken without being asked for, so that reading from it is paused, and tells when it has."""


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_reader_whose_answer_is_not_taken_ends_at_once(run, tmp_path):
    """Although reading from it is paused, so that the end of its output is never seen; nothing of it stays open."""
    mark = tmp_path / "written"

    async def ended():
        before = _connections()
        reader = await ReaderProcess.start(ReaderBounds(), (sys.executable, "-c", FLOODS, str(mark)))
        async with asyncio.timeout(20):
            while not mark.exists():
                await asyncio.sleep(0.01)
        async with asyncio.timeout(20):
            await reader.end()
        assert not reader.alive
        await asyncio.sleep(0)  # what was aborted is closed by the loop's next turn
        await asyncio.sleep(0)
        assert _connections() == before

    run(ended())


def _connections():
    """Give the sockets and pipes that this process has open."""
    links = Path("/proc/self/fd").iterdir()
    return {target for link in links if (target := os.path.realpath(link)).endswith("]")}


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("signal.pause()", Unavailable),
        ("os.kill(os.getpid(), signal.SIGSTOP)", Unavailable),
        ("os.read(0, 5); os.write(1, struct.pack('>IB', 1000, 0) + b'half'); signal.pause()", Unavailable),
        ("signal.pause() if os.fork() else list(iter(lambda: os.read(0, 1 << 20), b''))", Unavailable),
        ("os.read(0, 1 << 20); os.close(0); os.close(1); signal.pause()", TooCostly),
        ("os.read(0, 5); os.write(1, struct.pack('>IB', 1000, 0) + b'half')", TooCostly),
        ("os.write(1, b'x' * 100_000); signal.pause()", TooCostly),
        ("os.write(1, struct.pack('>IB', 4, 0) + b'what'); signal.pause()", TooCostly),
    ],
    ids=["is-silent", "stops", "stops-halfway", "leaves-a-child", "closes", "dies-halfway", "floods", "babbles"],
)
async def test_whatever_a_reader_does_its_caller_is_told_in_time(penalty, script, expected):
    """And it is gone then: killed, and nobody waits for what it may have left in its socket."""
    command = (sys.executable, "-c", f"import os, signal, struct; {script}")
    readers = Readers(
        ReaderBounds(patience=0.5 if expected is Unavailable else 30),
        Events(),
        start=partial(ReaderProcess.start, command=command),
    )
    async with asyncio.timeout(20):
        with pytest.raises(expected):
            await readers.run(OWNER, penalty, Say())
    assert readers.count() == 0


@pytest.mark.parametrize(
    "content", [b"", b"no pickle", b"\x80\x05N.", b"\x80\x05]\x94.", b"(lp0\nI1\na", pickle.dumps(os.system)]
)
def test_words_that_make_no_sense_are_one_kind_of_error(content):
    """Whatever a broken or taken-over reader says is a crash of that reader, not an exception that nobody expects."""
    with pytest.raises(pickle.UnpicklingError):
        frames.opened(content, int)


async def test_a_caller_that_goes_away_takes_its_job_with_it(new_readers, penalty):
    """What nobody waits for is not read on."""
    readers = new_readers()
    asking = asyncio.create_task(readers.run(OWNER, penalty, Wait()))
    async with asyncio.timeout(10):
        while not readers.count():
            await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert readers.count() == 0
    assert await readers.run(OWNER, penalty, Say()) == ["penalty"]


async def test_a_fault_of_ours_is_told_without_what_was_read(new_readers, penalty):
    """Where it was, and not the text of the exception."""
    with pytest.raises(ReaderFault) as caught:
        await new_readers().run(OWNER, penalty, Fail())
    assert "KeyError" in str(caught.value)
    assert "13800138000" not in str(caught.value)


async def test_nothing_but_plain_values_is_opened(new_readers, penalty):
    """A reader that was taken over cannot make the gateway do anything."""
    with pytest.raises(TooCostly):
        await new_readers().run(OWNER, penalty, Smuggle())
    assert not os.path.exists("/tmp/hutong-was-here")


async def test_a_reader_sees_nothing_secret(new_readers, penalty, monkeypatch):
    """Neither our settings nor our files; what is printed there does not disturb the answers."""
    monkeypatch.setenv("HUTONG_ADMIN_TOKEN", "secret")
    environment, files = await new_readers().run(OWNER, penalty, Secrets())
    assert "HUTONG_ADMIN_TOKEN" not in environment
    assert len(files) <= 7


async def test_readers_are_started_as_they_are_needed(new_readers, penalty):
    """None at first, as many as jobs at once, never more than allowed."""
    readers = new_readers(most=2)
    assert readers.count() == 0
    await asyncio.gather(*(readers.run(OWNER, penalty, Say()) for _ in range(8)))
    assert 1 <= readers.count() <= 2


async def test_who_has_too_many_waiting_is_told_to_come_again(new_readers, penalty):
    """429, for this owner alone."""
    readers = new_readers()
    jobs = [asyncio.create_task(readers.run(OWNER, penalty, Wait())) for _ in range(MOST_WAITING + 1)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await readers.run(OWNER, penalty, Say())
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)


async def test_owners_take_turns():
    """Who has many jobs waits behind itself, not before others."""
    places, order = Places(1, 64), []

    async def work(owner):
        async with places.place(owner):
            order.append(owner)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(owner) for owner in "aaaabbc"))
    assert "".join(order) == "aabcaba"


async def test_a_place_is_not_lost_with_who_waited_for_it():
    """Whoever is cancelled while it waits, or in the moment it is called, passes it on."""
    places = Places(1, 64)
    async with places.place("a"):
        waiting = [asyncio.create_task(_have(places)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
    waiting[1].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    async with asyncio.timeout(1), places.place("b"):
        pass


async def _have(places):
    async with places.place("x"):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "body",
    [
        b"x" * 100_000,
        b"[" + b"1," * 3000 + b"1]",
        b"<a " + b" ".join(b'x%d=""' % n for n in range(3000)) + b"/>",
        b"<Record/>" * 3000,
        b"PK\x03\x04 a workbook",
        b"a=1&" * 1500,
        b"\n" * 3000,
    ],
)
def test_what_is_large_or_has_many_values_is_heavy(body):
    """Whatever its format."""
    assert is_heavy(body)


def test_every_ordinary_sample_is_light():
    """Reading them here costs less than handing them over."""
    for folder in bundled().values():
        for sample in folder.glob("samples/*/*.native.*"):
            assert not is_heavy(sample.read_bytes()), sample
