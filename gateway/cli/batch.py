"""Sending a file of any length as a batch: its answers as they come, and from where to go on after a cut."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import join
from typing import IO, Any

import httpx
import orjson
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.cli import duplex
from gateway.cli.output import CommandFailed, errors, foreign, say
from gateway.cli.remote import KEY, Gateway
from gateway.errors.problems import MEDIA_TYPE

_TYPES = {
    ".json": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".csv": "text/csv",
    ".xml": "application/xml",
}
_PIECE = 256 * 1024
_SHOWN = 20
"""Refused records that are told on the screen."""

_LONGEST_WAIT = 30.0
_AGAIN = (429, 500, 502, 503, 504)
"""Statuses after which the same is sent again."""


@dataclass(slots=True)
class BatchFile:
    """What is sent: the file (`-`: standard input), and how the gateway is told of it."""

    path: Path
    operation: str
    content_type: str | None
    dry_run: bool
    key: str

    @property
    def again(self) -> bool:
        """Whether it can be read from its start once more."""
        return str(self.path) != "-"

    def size(self) -> int | None:
        """Give its length in bytes, None where that is not known."""
        return self.path.stat().st_size if self.again else None

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Open it; CommandFailed when it cannot be read."""
        if not self.again:
            yield sys.stdin.buffer
            return
        try:
            with self.path.open("rb") as file:
                yield file
        except OSError as error:
            raise CommandFailed(f"{self.path} cannot be read: {error.strerror}", "check its path") from None

    def headers(self) -> Mapping[str, str]:
        """Give the headers that say what it is."""
        suffixes = [one.lower() for one in self.path.suffixes]
        packed = suffixes[-1:] == [".gz"]
        suffix = suffixes[-2 if packed else -1] if len(suffixes) > packed else ""
        kind = self.content_type or _TYPES.get(suffix, "application/x-ndjson")
        size = self.size()
        return {
            "Content-Type": kind,
            KEY: self.key,
            **({"Content-Encoding": "gzip"} if packed else {}),
            **({"Transfer-Encoding": "chunked"} if size is None else {"Content-Length": str(size)}),
        }

    def command(self, offset: int) -> str:
        """Give the command that goes on from a record."""
        more = ["--content-type", self.content_type] if self.content_type else []
        asked = ["--operation", self.operation, *more, *(["--dry-run"] if self.dry_run else [])]
        return join(
            ["hutong", "message", "send", "--batch", str(self.path), *asked, "--key", self.key, "--offset", str(offset)]
        )


class Answers:
    """The lines that came: counted, written where they are wanted, and how far they go. `ended`: what ended them."""

    def __init__(self, offset: int, out: IO[bytes] | None, show: bool) -> None:
        self.next = offset
        self.accepted = self.duplicates = self.refused = 0
        self.ended: Mapping[str, Any] | None = None
        self.shown: list[str] = []
        self._out = out
        self._show = show
        self._rest = b""

    def begin(self) -> None:
        """Forget the beginning of a line that was cut off."""
        self._rest, self.ended = b"", None

    def hear(self, data: bytes) -> None:
        """Take a piece of the answer."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line)
        if self._out is not None:
            self._out.flush()

    def _line(self, line: bytes) -> None:
        said = orjson.loads(line)
        if said.get("ended"):
            self.next, self.ended = said["index"], said["problem"]
            return
        self.next = said["index"] + 1
        for one in said.get("messages", [said]):
            self._count(said["index"], one)
        if self._out is not None:
            self._out.write(line + b"\n")

    def _count(self, index: int, said: Mapping[str, Any]) -> None:
        problem = said.get("problem")
        if problem is None:
            self.duplicates += bool(said.get("duplicate"))
            self.accepted += not said.get("duplicate")
            return
        self.refused += 1
        if self._show and len(self.shown) < _SHOWN:
            self.shown.append(f"  #{index} {problem['code']}: {problem['detail']}")

    def counts(self) -> str:
        """Say how many of each there were."""
        return f"accepted {self.accepted} · duplicate {self.duplicates} · refused {self.refused}"


def send(file: BatchFile, gateway: Gateway, *, offset: int, answers: Path | None, retries: int, as_json: bool) -> None:
    """Send a batch to its end; typer.Exit 1 when any record was refused, CommandFailed when it cannot go on."""
    with ExitStack() as open_files:
        out = _out(open_files, answers, offset, as_json)
        heard = Answers(offset, out, show=not as_json)
        try:
            asyncio.run(_Sending(file, gateway, heard, retries).done())
        except KeyboardInterrupt:
            _sum_up(heard, as_json)
            errors.print(f"stopped before record {heard.next}; go on with\n  {foreign(file.command(heard.next))}")
            raise typer.Exit(130) from None
    _sum_up(heard, as_json)
    if heard.refused:
        raise typer.Exit(1)


def _out(open_files: ExitStack, answers: Path | None, offset: int, as_json: bool) -> IO[bytes] | None:
    """Give where answers are written; going on, they are added to what the file holds."""
    if answers is None:
        return sys.stdout.buffer if as_json else None
    try:
        return open_files.enter_context(answers.open("ab" if offset else "wb"))
    except OSError as error:
        raise CommandFailed(f"{answers} cannot be written: {error.strerror}", "check its path") from None


def _sum_up(heard: Answers, as_json: bool) -> None:
    for line in heard.shown:
        say(foreign(line))
    if heard.refused > len(heard.shown) > 0:
        say(f"  … and {heard.refused - len(heard.shown)} more; --answers FILE keeps them all")
    (errors.print if as_json else say)(heard.counts())


class _Sending:
    """Sends a file, and again from where its answers ended, until it is done or nothing moves any more."""

    def __init__(self, file: BatchFile, gateway: Gateway, heard: Answers, retries: int) -> None:
        self._file = file
        self._gateway = gateway
        self._heard = heard
        self._retries = retries
        self._url = httpx.URL(gateway.url)
        self._bar = Progress(
            TextColumn("报送 · sending"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[counts]}"),
            console=errors,
            disable=not errors.is_terminal,
        )
        self._task = self._bar.add_task("", total=file.size() if file.again and file.path.exists() else None, counts="")

    async def done(self) -> None:
        failures, reached = 0, False
        with self._bar:
            while True:
                before = self._heard.next
                why, wait = await self._tried(reached)
                if why is None:
                    return
                reached = True
                failures = 1 if self._heard.next > before else failures + 1
                if failures > self._retries or not self._file.again:
                    raise self._stopped(why)
                errors.print(
                    f"{foreign(why)}; going on from record {self._heard.next}", highlight=False, soft_wrap=True
                )
                await asyncio.sleep(min(_LONGEST_WAIT, max(wait, 2.0 ** (failures - 1))))

    async def _tried(self, reached: bool) -> tuple[str | None, float]:
        """Send once. Gives why it did not come to the end (None: it did), and how long to wait before the next time."""
        self._heard.begin()
        try:
            with self._file.opened() as content:
                heard = await self._posted(content)
        except duplex.NotReached as error:
            if not reached:
                raise CommandFailed(
                    f"no gateway answers at {self._gateway.url} ({error})",
                    "start one with `hutong serve`, or set HUTONG_URL",
                ) from None
            return f"no gateway answers ({error})", 0.0
        except duplex.CutOff as error:
            return f"the connection was cut ({error})", 0.0
        return self._judged(heard)

    async def _posted(self, content: IO[bytes]) -> duplex.Heard:
        query = {"offset": str(self._heard.next), **({"dry_run": "true"} if self._file.dry_run else {})}
        path = f"/v1/inbound/{self._file.operation}/batch"
        headers = {"Authorization": f"Bearer {self._gateway.token}", **self._file.headers()}
        self._bar.reset(self._task, total=self._file.size(), counts=self._heard.counts())
        return await duplex.post(
            self._url.copy_with(path=path, params=query),
            headers,
            iter(lambda: content.read(_PIECE), b""),
            hear=self._hear,
            sent=lambda size: self._bar.advance(self._task, size),
        )

    def _hear(self, data: bytes) -> None:
        self._heard.hear(data)
        self._bar.update(self._task, counts=self._heard.counts())

    def _judged(self, heard: duplex.Heard) -> tuple[str | None, float]:
        ended = self._heard.ended
        if heard.status == httpx.codes.OK and ended is None:
            return None, 0.0
        if ended is None:
            kind = heard.headers.get("content-type", "")
            response = httpx.Response(heard.status, headers={"content-type": kind}, content=heard.body)
            if heard.status not in _AGAIN:
                raise self._gateway.failure(response)
            asked = heard.headers.get("retry-after", "")
            code = orjson.loads(heard.body)["code"] if kind.startswith(MEDIA_TYPE) else f"HTTP {heard.status}"
            return f"the gateway answers {code}", float(asked) if asked.isdigit() else 0.0
        if ended["status"] in _AGAIN:
            return f"the gateway stopped ({ended['code']})", 0.0
        raise self._stopped(f"{ended['detail']} [{ended['code']}]")

    def _stopped(self, why: str) -> CommandFailed:
        heard = self._heard
        return CommandFailed(
            f"stopped before record {heard.next} ({heard.counts()}): {why}",
            f"go on with\n  {self._file.command(heard.next)}",
        )
