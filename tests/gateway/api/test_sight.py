"""What is there for whom: a platform's own, and what belongs to a person's regions; the rest is not there at all."""

import io
import zipfile
from pathlib import Path

import pytest

from adapters.base import Reply
from gateway.api.rights import Role

PENALTY = "penalty.330000"
MOBILE = "mobile-enforcement.330000"
NATIONAL = "mobile-enforcement.000000"
TOWN = Path(__file__).parents[2] / "adapters" / "bundles" / "town"
PEOPLE = (Role.VIEWER, Role.BODY_READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER)


async def join(caller, id, *regions, roles=PEOPLE):
    """Give somebody of these regions a token."""
    order = {"id": id, "name": "王伟", "roles": [str(one) for one in roles], "regions": list(regions)}
    added = await caller.admin("POST", "/v1/people", json=order)
    assert added.status_code == 201, added.text
    return added.json()["token"]


@pytest.fixture
async def own(caller):
    """Somebody of Zhejiang."""
    return await join(caller, "wang-wei", "330000")


@pytest.fixture
async def neighbour(caller):
    """Somebody of Jiangsu."""
    return await join(caller, "li-na", "320000")


@pytest.fixture
async def message(caller, execution):
    """A payment of Zhejiang, that was delivered in Zhejiang."""
    answer = await caller.send(PENALTY, "execution", execution)
    assert (await caller.outcome()).state == "delivered"
    return answer.json()["message_id"]


def untraced(answer):
    """Give an answer without what is another one for each request."""
    return answer.status_code, {name: value for name, value in answer.json().items() if name != "trace_id"}


async def same_as_absent(caller, token, method, path, id, **more):
    """Check that an object answers exactly as one that was never there."""
    absent = id[:-4] + ("0000" if not id.endswith("0000") else "1111")
    hidden = await caller.call(token, method, path.format(id), **more)
    never = await caller.call(token, method, path.format(absent), **more)
    assert hidden.status_code == 404, (path, hidden.text)
    for one in (hidden, never):
        one.read()
    status, said = untraced(hidden)
    text = str(said).replace(id, "ID")
    assert (status, text) == (untraced(never)[0], str(untraced(never)[1]).replace(absent, "ID")), path
    names = [name for name in hidden.headers if name not in ("content-length", "traceparent")]
    assert names == [name for name in never.headers if name not in ("content-length", "traceparent")], path


async def test_people_see_what_belongs_to_their_regions(caller, message, own):
    """The message, its bytes, its deliveries, what was sent, its platforms, the case."""
    assert [one["id"] for one in (await caller.call(own, "GET", "/v1/messages")).json()["messages"]] == [message]
    for part in ("", "/native", "/canonical", "/lineage"):
        assert (await caller.call(own, "GET", f"/v1/messages/{message}{part}")).status_code == 200, part
    listed = (await caller.call(own, "GET", f"/v1/deliveries?platform={MOBILE}")).json()["deliveries"]
    assert (await caller.call(own, "GET", f"/v1/deliveries/{listed[0]['id']}/sent")).status_code == 200
    platforms = (await caller.call(own, "GET", "/v1/platforms")).json()["platforms"]
    assert {one["id"] for one in platforms} == {PENALTY, MOBILE}


async def test_what_is_of_other_regions_is_not_there(caller, message, neighbour):
    """Left out of every list, and 404 byte for byte as what was never there, whatever is asked of it."""
    lists = {"messages": "messages", "deliveries": "deliveries", "platforms": "platforms", "backlog": "backlog"}
    for path, key in lists.items():
        assert (await caller.call(neighbour, "GET", f"/v1/{path}")).json()[key] == [], path
    for part in ("", "/native", "/canonical", "/lineage"):
        await same_as_absent(caller, neighbour, "GET", "/v1/messages/{}" + part, message)
    delivery = (await caller.admin("GET", f"/v1/deliveries?platform={MOBILE}")).json()["deliveries"][0]["id"]
    for part in ("", "/sent"):
        await same_as_absent(caller, neighbour, "GET", "/v1/deliveries/{}" + part, delivery)
    for step in ("replay", "discard", "hold", "release"):
        await same_as_absent(caller, neighbour, "POST", "/v1/deliveries/{}/" + step, delivery, json={"reason": "好奇"})
    for step in ("pause", "resume", "ping"):
        await same_as_absent(caller, neighbour, "POST", "/v1/platforms/{}/" + step, PENALTY, json={"reason": "好奇"})
    await same_as_absent(caller, neighbour, "GET", "/v1/platforms/{}", PENALTY)
    number = "浙环案2026001"
    case = await caller.call(neighbour, "GET", f"/v1/cases/{number}")
    assert (case.status_code, case.json()["code"]) == (404, "case.unknown")
    assert (await caller.admin("GET", f"/v1/deliveries/{delivery}")).json()["state"] == "delivered"


async def test_a_county_is_of_its_province_and_not_the_other_way(caller, message):
    """By level: a province's people see their cities' messages, a city's people not those of the whole province."""
    hangzhou = await join(caller, "he-hua", "330100")
    for token, there in ((hangzhou, 404), (await join(caller, "qian-li", "000000"), 200)):
        assert (await caller.call(token, "GET", f"/v1/messages/{message}")).status_code == there
    await caller.register("penalty.330106", "town", key="k")
    body = {"AH": "杭环案2026001", "WSH": "杭环罚[2026]第004号", "LX": "1", "ZXSJ": "2026-05-06 09:30:00", "JE": 1}
    of_city = (await caller.send("penalty.330106", "execution", body)).json()["message_id"]
    for token in (hangzhou, await join(caller, "wu-di", "330000")):
        assert (await caller.call(token, "GET", f"/v1/messages/{of_city}/canonical")).status_code == 200


async def test_a_list_goes_on_behind_what_is_not_seen(caller, message, execution):
    """A page may be short while there is more; following the cursor finds everything of the own region."""
    await caller.register("penalty.320000", "town", key="k")
    for number in range(5):
        other = execution | {"AH": f"苏环案202600{number}", "WSH": f"苏环罚[2026]第01{number}号"}
        assert (await caller.send("penalty.320000", "execution", other)).status_code == 202
    own, found, cursor = await join(caller, "wang-wei", "330000"), [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await caller.call(own, "GET", "/v1/messages", params=query)).json()
        found += [one["id"] for one in page["messages"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert found == [message]


async def test_a_bulk_replay_names_a_platform_of_the_own_region(caller, own, neighbour):
    """403 `region.outside` for another's platform and for all of them; another's replay is not there."""
    for filter in ({}, {"platform": MOBILE}):
        order = {"filter": filter, "reason": "重投"}
        refused = await caller.call(neighbour, "POST", "/v1/replays", json=order)
        assert (refused.status_code, refused.json()["code"]) == (403, "region.outside")
    begun = await caller.call(own, "POST", "/v1/replays", json={"filter": {"platform": MOBILE}, "reason": "重投"})
    assert begun.status_code == 202
    await same_as_absent(caller, neighbour, "GET", "/v1/replays/{}", begun.json()["id"])
    await same_as_absent(
        caller, neighbour, "POST", "/v1/replays/{}/cancel", begun.json()["id"], json={"reason": "好奇"}
    )


async def test_rejections_are_their_platforms_regions(caller, own, neighbour):
    """Seen with the bytes by the own region's people; for others there is none."""
    rejected = (await caller.send(PENALTY, "execution", b"{")).json()["rejection_id"]
    assert len((await caller.call(own, "GET", "/v1/rejections")).json()["rejections"]) == 1
    assert (await caller.call(neighbour, "GET", "/v1/rejections")).json()["rejections"] == []
    await caller.call(own, "POST", "/v1/unmask", json={"subject": rejected, "purpose": "更正", "minutes": 5})
    for part in ("", "/native"):
        assert (await caller.call(own, "GET", f"/v1/rejections/{rejected}{part}")).status_code == 200
        await same_as_absent(caller, neighbour, "GET", "/v1/rejections/{}" + part, rejected)


def bundle(name, version="2.0.0"):
    """Pack the small bundle under a name of its own."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(one for one in TOWN.rglob("*") if one.is_file()):
            content = path.read_bytes()
            if path.name == "adapter.yaml":
                lines = content.decode().splitlines(keepends=True)
                said = {"name:": f"name: {name}\n", "version:": f"version: {version}\n"}
                content = "".join(said.get(line.split(" ")[0], line) for line in lines).encode()
            archive.writestr(str(path.relative_to(TOWN)), content)
    return target.getvalue()


async def test_an_author_changes_bundles_of_the_own_region(caller, own, neighbour):
    """Those that only platforms of it speak; 403 `region.outside` for any other, before anything is kept."""
    for token, status in ((neighbour, 403), (own, 201)):
        answer = await caller.call(token, "POST", "/v1/adapters", content=bundle("town"))
        assert answer.status_code == status, answer.text
    assert answer.json()["region"] == "330000"
    for step, body in (("check", None), ("shadow", {}), ("activate", {}), ("retire", {}), ("translate", {})):
        order = {"direction": "in", "name": "execution", "body": {}} if step == "translate" else body
        refused = await caller.call(neighbour, "POST", f"/v1/adapters/town/2.0.0/{step}", json=order)
        assert (refused.status_code, refused.json()["code"]) == (403, "region.outside"), step
    await caller.register("penalty.320000", "town", key="k")
    both = await caller.call(own, "POST", "/v1/adapters", content=bundle("town", "2.1.0"))
    assert (both.status_code, both.json()["code"]) == (403, "region.outside")


async def test_a_new_bundle_is_whose_its_uploader_says(caller, own, neighbour):
    """Nobody else's authors add versions to it; a region outside of one's own, or none of several, is refused."""
    offered = await caller.call(own, "POST", "/v1/adapters?region=330100", content=bundle("village"))
    assert (offered.status_code, offered.json()["region"]) == (201, "330100")
    taken = await caller.call(neighbour, "POST", "/v1/adapters", content=bundle("village", "3.0.0"))
    assert (taken.status_code, taken.json()["code"]) == (403, "region.outside")
    outside = await caller.call(own, "POST", "/v1/adapters?region=320000", content=bundle("hamlet"))
    assert (outside.status_code, outside.json()["code"]) == (403, "region.outside")
    several = await join(caller, "zhou-jie", "330100", "330200")
    unsaid = await caller.call(several, "POST", "/v1/adapters", content=bundle("hamlet"))
    assert (unsaid.status_code, unsaid.json()["code"]) == (422, "bundle.region")
    wrong = await caller.admin("POST", "/v1/adapters?region=999999", content=bundle("hamlet"))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "bundle.region")
    known = {one["name"] for one in (await caller.admin("GET", "/v1/adapters")).json()["adapters"]}
    assert "hamlet" not in known


async def test_a_platform_is_told_nothing_of_others(caller, message, execution):
    """A destination finds by state what its own delivery is; how another's stands is not to be had by searching."""
    await caller.register(NATIONAL, "canonical", token="t")
    caller.sender.reply = Reply(200, {}, b"{}")
    other = execution | {"WSH": "浙环罚[2026]第009号"}
    await caller.send(PENALTY, "execution", other)
    await caller.outcome()
    unrouted = (await caller.admin("GET", "/v1/deliveries?state=unrouted")).json()["deliveries"]
    assert unrouted
    found = (await caller.platform(MOBILE, "GET", "/v1/messages?state=unrouted")).json()["messages"]
    assert found == []
    assert (await caller.platform(PENALTY, "GET", "/v1/messages?state=unrouted")).json()["messages"] != []


async def test_an_operators_reason_is_not_told_to_a_platform(caller, message):
    """Neither in the delivery nor in the timeline nor in the case; nor who it was."""
    unrouted = (await caller.admin("GET", "/v1/deliveries?state=unrouted")).json()["deliveries"][0]
    token = await join(caller, "qian-duo", roles=(Role.OPERATOR,))
    secret = "对方单位内部问题"
    path = f"/v1/deliveries/{unrouted['id']}/discard"
    assert (await caller.call(token, "POST", path, json={"reason": secret})).status_code == 200
    for path in (f"/v1/messages/{unrouted['message_id']}", "/v1/cases/浙环案2026001", "/v1/messages"):
        told = (await caller.platform(PENALTY, "GET", path)).text
        assert secret not in told
        assert "qian-duo" not in told
    assert secret in (await caller.admin("GET", f"/v1/messages/{unrouted['message_id']}")).text


async def test_what_is_told_of_a_whole_region_is_told_to_its_people(caller, own, neighbour):
    """Reports and assessments of another region, and of the country: 403 `region.outside`; deadlines are left out."""
    for region in ("330000", "000000"):
        report = await caller.call(neighbour, "GET", f"/v1/reports/usage?period=2026-03&region={region}")
        assert (report.status_code, report.json()["code"]) == (403, "region.outside")
        order = {"region": region, "period": "2026-03", "reason": "好奇"}
        assessed = await caller.call(neighbour, "POST", "/v1/assessments", json=order)
        assert (assessed.status_code, assessed.json()["code"]) == (403, "region.outside")
    assert (await caller.call(own, "GET", "/v1/reports/usage?period=2026-03&region=330100")).status_code == 200
    assert (await caller.call(neighbour, "GET", "/v1/clocks")).json()["clocks"] == []
    assert (await caller.call(neighbour, "GET", "/v1/assessments")).json()["findings"] == []
