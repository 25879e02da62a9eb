"""Ten switches there and back under load: nothing lost, doubled, reordered, or translated by another version."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import oracle
from town import Town, town
from traffic import PENALTY

from gateway.releases.upload import packed

MOBILE = "mobile-enforcement.330000"
SWITCHES = 10
PAUSE = 0.6
CLIENTS = 4
NODES = ("NODE_CASE", "NODE_PUNISHIMPART", "NODE_HEARINGNOTES", "NODE_YSCASE")
OPINION, DETAIL = "同意立案。", "已送达。"
SWAPPED = {
    "mappings/progress.yaml": (
        ("opinion: HANDLEOPINION", "opinion: NODEDETAIL"),
        ("detail: NODEDETAIL", "detail: HANDLEOPINION"),
    )
}
"""What the second penalty version reads otherwise: opinion and detail, exchanged."""

WITHOUT_REGION = {"mappings/progress.yaml": (("  region: {at: XZQHDM, as: region-code}\n", ""),)}
"""What the second enforcement version writes otherwise: no region."""


NODES_SHOWN = ("samples/progress/", "samples/case.progressed/")


def second_version(folder: Path, changes: dict[str, tuple[tuple[str, str], ...]]) -> bytes:
    """Pack a bundle as version 2.0.0, changed, and without the samples of nodes, which show the first one's ways."""
    files = {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    kept = {name: content for name, content in files.items() if not name.startswith(NODES_SHOWN)}
    for name, pairs in {**changes, "adapter.yaml": (("version: 1.0.0", "version: 2.0.0"),)}.items():
        text = kept[name].decode()
        for before, after in pairs:
            assert before in text, f"{name}: {before}"
            text = text.replace(before, after, 1)
        kept[name] = text.encode()
    return packed(kept)


@dataclass
class Speaker:
    """A penalty platform's worker that reports the nodes of one case after another, in its own words."""

    name: str
    place: Town
    told: list[oracle.Told] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> None:
        """Report until told to stop; the case in hand is finished."""
        headers = {"Authorization": f"Bearer {self.place.credentials[PENALTY]}"}
        with httpx.Client(base_url=self.place.gateway.url, headers=headers, timeout=20) as http:
            number = 0
            while not self.stop.is_set():
                for place, node in enumerate(NODES):
                    self._tell(http, f"AJ-{self.name}-{number}", place, node)
                number += 1

    def _tell(self, http: httpx.Client, case: str, place: int, node: str) -> None:
        body = {
            "CASEID": case,
            "AREACODE": "330110",
            "NODECODE": node,
            "TIME": f"2026-07-2{place} 09:00:00",
            "HANDLEOPINION": OPINION,
            "NODEDETAIL": DETAIL,
        }
        answer = http.post("/v1/inbound/progress", json=body)
        if answer.status_code == httpx.codes.ACCEPTED:
            self.told.append(oracle.Told(self.name, case, place, answer.json()["message_id"]))
        else:
            self.wrong.append(answer.text)


def settle(place: Town) -> None:
    """Register both platforms, and bring the second version of each adapter through its check."""
    place.settle_down(PENALTY, "penalty")
    place.settle_down(MOBILE, "mobile-enforcement")
    bundles = place.folder / "bundles"
    for name, changes in (("fast-penalty", SWAPPED), ("fast-mobile-enforcement", WITHOUT_REGION)):
        content = second_version(bundles / name, changes)
        place.operator("POST", "/v1/adapters", content=content)
        checked = place.operator("POST", f"/v1/adapters/{name}/2.0.0/check")
        assert checked["state"] == "checked", checked["report"]


def switch(place: Town) -> None:
    """Switch both adapters ten times, one shortly after the other; every second way back is a rollback."""
    for turn in range(SWITCHES):
        time.sleep(PAUSE)
        for name in ("fast-penalty", "fast-mobile-enforcement"):
            if turn % 4 == 3:
                place.operator("POST", f"/v1/adapters/{name}/rollback")
            else:
                place.operator("POST", f"/v1/adapters/{name}/{'1.0.0' if turn % 2 else '2.0.0'}/activate")
            time.sleep(PAUSE / 4)


def messages(place: Town) -> Iterator[dict[str, Any]]:
    """Give the headers of every message."""
    cursor: str | None = None
    while True:
        page = place.operator("GET", "/v1/messages?limit=200" + (f"&cursor={cursor}" if cursor else ""))
        yield from page["messages"]
        cursor = page["cursor"]
        if cursor is None:
            return


def mistranslated(place: Town, deliveries: list[dict[str, Any]]) -> tuple[list[str], Counter[tuple[str, str]]]:
    """Compare what the receiver got with the versions recorded; gives the faults, and how often each pair was met."""
    read_by = {one["id"]: one["adapter"] for one in messages(place)}
    written = {one["key"]: one["native"] for one in place.received(MOBILE)}
    faults: list[str] = []
    met: Counter[tuple[str, str]] = Counter()
    for one in deliveries:
        native = written[one["id"]]
        found = (
            "fast-penalty@" + ("1.0.0" if native["BLYJ"] == OPINION else "2.0.0"),
            "fast-mobile-enforcement@" + ("1.0.0" if "XZQHDM" in native else "2.0.0"),
        )
        recorded = (read_by[one["message_id"]], one["adapter"])
        met[recorded] += 1
        if found != recorded or {native["BLYJ"], native["HJXQ"]} != {OPINION, DETAIL}:
            faults.append(f"{one['id']}: recorded {recorded}, found {found}")
    return faults, met


def test_switching_versions_under_load_harms_no_message(tmp_path: Path):
    """Every message was read and written by the versions recorded on it, each at least once and in its order."""
    with town(tmp_path) as place:
        settle(place)
        speakers = [Speaker(name, place) for name in "abcd"[:CLIENTS]]
        threads = [threading.Thread(target=one, daemon=True) for one in speakers]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        switch(place)
        time.sleep(PAUSE)
        for one in speakers:
            one.stop.set()
        for thread in threads:
            thread.join(30)
        seconds = time.monotonic() - began
        assert place.drained(60)

        told = [one for speaker in speakers for one in speaker.told]
        deliveries = list(place.deliveries())
        kept = [
            oracle.Kept(one["message_id"], one["id"], one["platform"], one["lane"], one["state"]) for one in deliveries
        ]
        received = [
            oracle.Received(MOBILE, one["key"], index, one["times"]) for index, one in enumerate(place.received(MOBILE))
        ]
        judgement = oracle.judge(told, kept, received)
        faults, met = mistranslated(place, deliveries)
        print(f"\n  {len(told)} messages in {seconds:.1f} s ({len(told) / seconds:.0f}/s), {SWITCHES} switches of each")
        for pair, count in sorted(met.items()):
            print(f"  {' → '.join(pair):<60}{count:>8}")
        for fault in [*judgement.faults, *faults][:20]:
            print(f"  FAULT {fault}")
        assert [wrong for one in speakers for wrong in one.wrong] == []
        assert judgement.faults == []
        assert judgement.counts["received again under the same key"] == 0
        assert faults == []
        assert len(met) == 4, "every pair of versions was met"
        assert len(told) / seconds >= 100
