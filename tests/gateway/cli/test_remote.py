"""Commands against a real gateway process: register, send, look, decide, end."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from gateway.ledger.records import MessageFilter

PENALTY = "penalty.330000"
GOOD = '{"AH": "浙环案2026001", "WSH": "浙环罚〔2026〕3号", "LX": "1", "ZXSJ": "2026-05-06 09:30:00"}'
NOWHERE = "base_url=http://127.0.0.1:9"


@pytest.fixture
def credential(remote) -> str:
    """A registered penalty system's credential."""
    added = remote("platform", "add", PENALTY, "--adapter", "town", "--set", NOWHERE, "--set", "key=k")
    assert added.code == 0, added.err
    return remote("platform", "credentials", PENALTY, "--json").json["credential"]


def test_platforms_are_registered_and_listed(remote, credential):
    """Their secrets are named, never printed."""
    assert PENALTY in remote("platform", "list").out
    shown = remote("platform", "show", PENALTY, "--json").json
    assert shown["secrets"] == ["key"]
    assert "示例县局" in remote("platform", "show", PENALTY).out


def test_only_what_is_given_changes(remote, credential):
    """A new secret needs no address to be typed again; the dossier right and bounds stay, too."""
    more = ["--dossier", "--limit", "records=77", "--set", "office=乙局"]
    assert remote("platform", "add", PENALTY, *more).code == 0
    changed = remote("platform", "add", PENALTY, "--set", "key=new", "--limit", "nodes=7777", "--json")
    assert changed.code == 0, changed.err
    found = changed.json
    assert found["settings"] == {"base_url": "http://127.0.0.1:9", "office": "乙局"}
    assert (found["adapter"], found["dossier"]) == ("town", True)
    assert found["limits"] == {"records": 77, "nodes": 7777}
    back = remote("platform", "add", PENALTY, "--no-dossier", "--set", "office=示例县局", "--json").json
    assert (back["dossier"], back["limits"]) == (False, found["limits"])


def test_a_new_platform_needs_an_adapter(remote):
    """It is said so, as usage."""
    said = remote("platform", "add", "penalty.320000", "--set", NOWHERE)
    assert said.code == 2
    assert "--adapter" in said.err


def test_a_secret_can_come_from_a_file(remote, credential, tmp_path):
    """So that no shell's history holds it."""
    (tmp_path / "key").write_text("s3cret\n")
    added = remote("platform", "add", PENALTY, "--adapter", "town", "--set", NOWHERE, "--set", "key=@key")
    assert added.code == 0, added.err
    missing = remote("platform", "add", PENALTY, "--adapter", "town", "--set", "key=@nothing")
    assert missing.code == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["platform", "add", "penalty.999999", "--adapter", "town", "--set", NOWHERE, "--set", "key=k"], 1),
        (["platform", "add", PENALTY, "--adapter", "nothing"], 1),
        (["platform", "add", PENALTY, "--adapter", "town", "--set", "nonsense"], 2),
        (["platform", "show", "penalty.110000"], 1),
        (["message", "show", "nothing"], 1),
        (["message", "list", "--state", "sideways"], 1),
        (["dead", "show", "nothing"], 1),
        (["dead", "replay", "--reason", "x"], 2),
        (["dead", "discard", "nothing", "--reason", "x"], 1),
        (["platform", "list", "--token", "wrong"], 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_failures_say_what_to_do(remote, arguments, code):
    """The gateway's problem document becomes words and an exit code."""
    said = remote(*arguments)
    assert said.code == code, said.out + said.err
    assert "→" in said.err or "errors" in said.err
    assert "Traceback" not in said.err


def test_a_failure_is_json_when_asked_for(remote):
    """The problem document itself, on standard output."""
    assert remote("platform", "show", "penalty.110000", "--json").json["code"] == "platform.unknown"


def test_a_document_is_sent_and_followed(remote, credential, tmp_path):
    """Sent as a platform, found in the list, shown with its deliveries."""
    (tmp_path / "paid.json").write_text(GOOD)
    sent = remote("message", "send", "paid.json", "--operation", "execution", "--token", credential, "--json")
    assert sent.code == 0, sent.err
    message = sent.json["message_id"]
    assert message in remote("message", "list").out
    shown = remote("message", "show", message)
    assert "浙环案2026001" in shown.out
    assert "nobody yet" in shown.out
    assert "duplicate" in remote("message", "send", "paid.json", "--operation", "execution", "--token", credential).out


def test_what_waits_is_named(remote, credential, tmp_path):
    """The delivery that has waited longest, by its id, with how long; and when the platform was last heard."""
    (tmp_path / "paid.json").write_text(GOOD)
    sent = remote("message", "send", "paid.json", "--operation", "execution", "--token", credential, "--json").json
    delivery = sent["deliveries"][0]["id"]
    found = remote("platform", "backlog", "--json").json["backlog"]
    assert delivery in {one["oldest_id"] for one in found}
    shown = remote("platform", "backlog").out
    assert delivery in shown
    assert "unrouted" in shown
    assert remote("platform", "backlog", PENALTY).out.strip() == "Nothing waits."
    platform = remote("platform", "show", PENALTY).out
    assert "heard" in platform
    assert "execution" in platform


def test_a_rejected_document_is_exit_code_one(remote, credential, tmp_path):
    """With every fault, place and remedy."""
    (tmp_path / "bad.json").write_text(json.dumps({"AH": 1}))
    said = remote("message", "send", "bad.json", "--operation", "execution", "--token", credential)
    assert said.code == 1
    assert "native.invalid" in said.err


def test_an_answer_in_the_platforms_own_words_is_printed(remote, credential, tmp_path):
    """An operation that declares its answer is answered so, to the command line too."""
    (tmp_path / "package.xml").write_bytes(b"<Package>")
    said = remote("message", "send", "package.xml", "--operation", "progress", "--token", credential)
    assert "<Code>1</Code>" in said.out
    assert said.code == 1, "its status is 200, and it says no"


@pytest.mark.parametrize(("decision", "code"), [("accepted", 0), ("partial", 1), ("rejected", 1)])
def test_the_exit_code_follows_the_decision_whatever_the_answer_looks_like(hutong, tmp_path, decision, code):
    """A JSON answer of a platform's own has none of the gateway's members; it is shown as it is."""

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "application/json; charset=UTF-8")
            self.send_header("intake-decision", decision)
            self.end_headers()
            self.wfile.write('{"messages": "无", "problem": 0}'.encode())

        def log_message(self, *_):
            pass

    (tmp_path / "paid.json").write_text(GOOD)
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        said = hutong("message", "send", "paid.json", "--operation", "execution", "--token", "t", "--url", url)
    assert said.code == code, said.out + said.err
    assert said.json == {"messages": "无", "problem": 0}


def test_a_dry_run_shows_the_translation(remote, credential, tmp_path):
    """And stores nothing."""
    (tmp_path / "try.json").write_text(GOOD.replace("2026001", "2026777"))
    said = remote("message", "send", "try.json", "--operation", "execution", "--token", credential, "--dry-run")
    assert said.json["document"]["case_number"] == "浙环案2026777"
    assert remote("message", "list", "--case-number", "浙环案2026777", "--json").json["messages"] == []


def test_a_dry_run_of_a_package_shows_its_faults_too(hutong, tmp_path):
    """Wherever in the package they are."""
    entries = [{"index": 0, "problem": {"code": "x", "detail": "y"}}, {"index": 1, "document": {}, "routes": []}]

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({"messages": entries}).encode())

        def log_message(self, *_):
            pass

    (tmp_path / "two.json").write_text(GOOD)
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        named = ("--operation", "execution", "--token", "t", "--url", url, "--dry-run")
        said = hutong("message", "send", "two.json", *named)
    assert (said.code, said.json) == (1, {"messages": entries}), said.err


@pytest.mark.parametrize(
    ("kind", "body"),
    [("text/html", "<h1>502</h1>"), ("application/json", '{"error": "bad gateway"}'), ("application/json", "[]")],
)
def test_an_answer_that_no_gateway_gives_is_no_crash(hutong, tmp_path, kind, body):
    """A proxy stands between, or HUTONG_URL names something else."""

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(502)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    (tmp_path / "one.json").write_text(GOOD)
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        said = hutong("message", "send", "one.json", "--operation", "execution", "--token", "t", "--url", url)
    assert said.code == 1
    assert "but not as a gateway does" in said.err


def test_sending_needs_a_credential(remote, tmp_path):
    """The admin token stands for no platform, so it is not tried."""
    (tmp_path / "paid.json").write_text(GOOD)
    said = remote("message", "send", "paid.json", "--operation", "execution")
    assert said.code == 2
    assert "platform credentials" in said.err


def test_platforms_are_paused_resumed_and_asked(remote, credential):
    """Pause and resume show the holds; a ping nobody answers is exit code 1."""
    assert remote("platform", "pause", PENALTY, "--reason", "检修", "--json").json["holds"] == ["paused"]
    assert remote("platform", "resume", PENALTY, "--reason", "检修完毕", "--json").json["holds"] == []
    said = remote("platform", "ping", PENALTY)
    assert said.code == 1
    assert "does not answer" in said.out


def test_nothing_is_dead(remote, credential):
    """And replaying nothing ends at once, well."""
    assert "Nothing is dead" in remote("dead", "list").out
    replayed = remote("dead", "replay", "--all", "--reason", "平台已修复", "--json")
    assert replayed.code == 0, replayed.err
    assert replayed.json["total"] == 0


@pytest.mark.parametrize("name", MessageFilter.__struct_fields__)
def test_every_filter_of_messages_is_an_option(hutong, name):
    """The options of `hutong message list` are made from the message query."""
    assert f"--{name.replace('_', '-')} " in hutong("message", "list", "--help").out


def test_messages_are_listed_by_filter(remote, credential, tmp_path):
    """A filter on the command line reaches the gateway."""
    (tmp_path / "payment.json").write_text(GOOD)
    sent = remote("message", "send", "payment.json", "--operation", "execution", "--token", credential)
    assert sent.code == 0, sent.err
    assert len(remote("message", "list", "--platform", PENALTY, "--json").json["messages"]) == 1
    assert remote("message", "list", "--case-number", "nothing", "--json").json["messages"] == []
    assert "penalty.executed" in remote("message", "list", "--type", "penalty.executed").out


def test_every_part_of_the_filter_reaches_the_gateway(remote):
    """Each is an option, and a dry run comes back with its counts."""
    said = remote(
        *("dead", "replay", "--all", "--dry-run", "--reason", "x", "--json", "--platform", "penalty.330000"),
        *("--type", "case.transferred", "--code", "http.500", "--state", "refused"),
        *("--since", "2026-09-01T00:00:00+08:00", "--until", "2026-09-02"),
    )
    assert said.code == 0, said.out
    assert json.loads(said.out)["filter"] == {
        "state": "refused",
        "platform": "penalty.330000",
        "message_id": None,
        "type": "case.transferred",
        "code": "http.500",
        "since": "2026-08-31T16:00:00Z",
        "until": "2026-09-01T16:00:00Z",
    }


def test_people_are_added_listed_and_removed(remote, monkeypatch):
    """With a token of their own, which the other commands take; roles that there are not are refused."""
    added = remote("people", "add", "wang-wei", "--name", "王伟", "--role", "viewer", "--json").json
    assert added["roles"] == ["viewer"]
    assert "wang-wei" in remote("people", "list").out
    assert remote("people", "add", "li-na", "--name", "李娜", "--role", "king").code == 1
    assert remote("platform", "list", "--token", added["token"]).code == 0
    assert remote("people", "list", "--token", added["token"]).code == 1
    assert remote("people", "remove", "wang-wei").code == 0
    assert remote("platform", "list", "--token", added["token"]).code == 1


def test_credentials_are_labelled_listed_and_revoked(remote, credential):
    """The list has no secret; --list and --revoke issue none."""
    issued = remote("platform", "credentials", PENALTY, "--label", "2027", "--expires", "2099-01-31", "--json").json
    listed = remote("platform", "credentials", PENALTY, "--list")
    assert "2099-01-31" in listed.out
    assert issued["credential"] not in listed.out
    assert remote("platform", "credentials", PENALTY, "--revoke", issued["id"]).code == 0
    before = remote("platform", "credentials", PENALTY, "--list", "--json").json["credentials"]
    assert next(one for one in before if one["id"] == issued["id"])["revoked_at"]
    assert remote("platform", "credentials", PENALTY, "--list", "--label", "x").code == 2
    assert remote("platform", "credentials", PENALTY, "--list", "--json").json["credentials"] == before
