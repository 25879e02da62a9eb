"""Whatever is sent, the answer is a problem document that says what to do, and the gateway goes on."""

import pytest

PENALTY = "penalty.330000"

XML = '<?xml version="1.0" encoding="GBK"?>'
DTD = XML + '<!DOCTYPE Package [<!ENTITY x "y">]><Package>&x;</Package>'
OUTSIDE = XML + '<!DOCTYPE Package [<!ENTITY x SYSTEM "file:///etc/passwd">]><Package>&x;</Package>'
DEEP_XML = XML + "<Package>" + "<a>" * 100 + "</a>" * 100 + "</Package>"


def execution(**changes) -> bytes:
    """Write a payment with some of its text replaced."""
    text = '{"AH": "浙环案2026001", "WSH": "浙环罚〔2026〕3号", "LX": "1", "ZXSJ": "2026-05-06 09:30:00", "JE": 1}'
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    return text.encode()


BAD_JSON = {
    "an empty body": (b"", {400, 422}),
    "spaces": (b"  \n", {400, 422}),
    "another charset": ('{"AH": "浙环案"}'.encode("gbk"), {400, 415, 422}),
    "bytes that are nothing": (b"\xff\xfe\x00", {400, 415, 422}),
    "JSON cut off": (execution()[:40], {400, 422}),
    "a list": (b"[]", {400, 422}),
    "a number": (b"7", {400, 422}),
    "null": (b"null", {400, 422}),
    "100 levels": (b'{"a":' * 100 + b"1" + b"}" * 100, {400, 422}),
    "100 000 levels": (b"[" * 60_000, {400, 422}),
    "a duplicate key": (execution(a=('"LX": "1"', '"LX": "1", "LX": "2"')), {400, 422}),
    "NaN": (execution(a=('"JE": 1', '"JE": NaN')), {400, 422}),
    "Infinity": (execution(a=('"JE": 1', '"JE": -Infinity')), {400, 422}),
    "a number beyond all bounds": (execution(a=('"JE": 1', '"JE": 1e999999999')), {400, 422}),
    "a long exponent": (execution(a=('"JE": 1', '"JE": 1e-999999999')), {400, 422}),
    "very many digits": (execution(a=('"JE": 1', '"JE": ' + "9" * 5000)), {400, 422}),
    "a number for a code": (execution(a=('"LX": "1"', '"LX": ' + "9" * 30)), {422}),
    "a wrong type": (execution(a=('"JE": 1', '"JE": {"yuan": 1}')), {422}),
    "a list for a text": (execution(a=('"浙环案2026001"', '["浙环案2026001"]')), {422}),
    "a number for a text": (execution(a=('"浙环案2026001"', "2026001")), {202, 422}),
    "an identifier of no shape": (execution(a=("浙环罚〔2026〕3号", "!!")), {422}),
    "an unknown code": (execution(a=('"LX": "1"', '"LX": "77"')), {422}),
    "a day that is none": (execution(a=("2026-05-06", "2026-13-45")), {422}),
    "a missing field": (execution(a=('"AH": "浙环案2026001", ', "")), {422}),
    "a lone surrogate": (execution(a=("浙环案2026001", "\\ud800")), {400, 422}),
    "a NUL": (execution(a=("浙环案2026001", "浙\\u0000案")), {400, 422}),
    "text beyond all bounds": (execution(a=("浙环案2026001", "案" * 20_000)), {422}),
}

BAD_XML = {
    "an empty body": b"",
    "XML cut off": (XML + "<Package><Head>").encode("gbk"),
    "a DTD": DTD.encode("gbk"),
    "an outside entity": OUTSIDE.encode("gbk"),
    "100 levels": DEEP_XML.encode("gbk"),
    "another root": (XML + "<Other/>").encode("gbk"),
    "JSON": b"{}",
    "bytes that are no GBK": b"<?xml version='1.0' encoding='GBK'?><Package>\xff\xff</Package>",
    "an unknown charset": b"<?xml version='1.0' encoding='klingon'?><Package/>",
}


@pytest.mark.parametrize("name", BAD_JSON)
async def test_bad_json_gets_a_problem_document(caller, name):
    """Each fault has its 4xx, with a code and a remedy, and never a 500."""
    body, statuses = BAD_JSON[name]
    response = await caller.send(PENALTY, "execution", body, headers={"Content-Type": "application/json"})
    assert response.status_code in statuses, response.text
    if response.status_code != 202:
        _is_problem(response)


@pytest.mark.parametrize("name", BAD_XML)
async def test_bad_xml_is_rejected_in_the_callers_own_words(caller, name):
    """The small bundle declares its own answer for packages, so every rejection is one."""
    response = await caller.send(PENALTY, "progress", BAD_XML[name], headers={"Content-Type": "application/xml"})
    assert response.status_code == 200, response.text
    assert "<Code>1</Code>" in response.text
    assert "passwd" not in response.text


async def test_a_number_too_large_for_json_is_repeated_as_text(caller):
    """What is said back about a value can always be written."""
    document = {"case_number": 10**30, "node": "filed", "at": "2026-05-06T08:00:00+08:00"}
    submission = {"type": "case.progressed", "document": document}
    await caller.register("penalty.330100", "canonical", token="t")
    response = await caller.platform("penalty.330100", "POST", "/v1/messages", json=submission)
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["value"] == "1" + "0" * 30


async def test_a_field_error_names_path_title_and_remedy(caller):
    """The sender learns where, what and why, in Chinese unless it prefers English."""
    body = execution(a=("2026-05-06", "2026-13-45"))
    chinese = (await caller.send(PENALTY, "execution", body)).json()
    english = (await caller.send(PENALTY, "execution", body, headers={"Accept-Language": "en"})).json()
    fault = chinese["errors"][0]
    assert fault["path"] == "ZXSJ"
    assert fault["field"] == "at"
    assert fault["title"]
    assert fault["message"] != english["errors"][0]["message"]
    assert chinese["title"] != english["title"]
    assert chinese["rejection_id"] != english["rejection_id"]


async def test_ten_megabytes_are_rejected_without_reading_them_all(caller):
    """A body beyond the adapter's limit is 413, whatever length it declares."""
    read: list[int] = []

    async def parts():
        for _ in range(160):
            read.append(1)
            yield b"x" * 65_536

    response = await caller.platform(PENALTY, "POST", "/v1/inbound/execution", content=parts())
    assert response.status_code == 413
    assert response.json()["code"] == "body.too-large"
    assert response.headers["Connection"] == "close"
    declared = await caller.send(PENALTY, "execution", b"x" * 10_000_000)
    assert declared.status_code == 413


async def test_an_operators_endless_body_is_cut_off(caller):
    """Nobody said how long it would be; what comes is counted, and reading stops soon after the limit."""
    sent = 0

    async def endless():
        nonlocal sent
        while sent < 64 * 1024 * 1024:
            sent += 64 * 1024
            yield b" " * 64 * 1024

    headers = {"Content-Type": "application/json"}
    response = await caller.admin("PUT", "/v1/platforms/penalty.330200", content=endless(), headers=headers)
    assert response.status_code == 413, response.text
    _is_problem(response)
    assert sent < 48 * 1024 * 1024


async def test_an_unknown_operation_says_which_there_are(caller):
    """404 names the operations of the caller's adapter."""
    response = await caller.send(PENALTY, "nothing", {})
    assert response.status_code == 404
    assert response.json()["code"] == "operation.unknown"
    assert "execution" in response.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/v1/inbound/", "/v1/inbound/a/b", "/nowhere", "/v1", "//", "/v1/inbound/%00", "/v1/inbound/%E4"]
)
async def test_addresses_that_are_none_get_a_problem(caller, path):
    """Even what no route knows is answered as a problem document."""
    response = await caller.platform(PENALTY, "POST", path)
    assert response.status_code == 404
    _is_problem(response)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PATCH", "/v1/platforms", "GET, HEAD"),
        ("PATCH", "/v1/platforms/penalty.330000", "DELETE, GET, HEAD, PUT"),
        ("PUT", "/v1/messages", "GET, HEAD, POST"),
        ("POST", "/health/live", "GET, HEAD"),
    ],
)
async def test_methods_that_are_not_taken_get_a_problem(caller, method, path, allow):
    """405 is a problem document as well, and its Allow header names every method that is taken."""
    response = await caller.admin(method, path)
    assert response.status_code == 405
    assert response.headers["Allow"] == allow
    _is_problem(response)


REASON = "/v1/deliveries/nothing/replay"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", 422),
        (b"{", "application/json", 422),
        (b'{"reason": "a", "reason": "b"}', "application/json", 422),
        (b'{"reason": NaN}', "application/json", 422),
        (b'{"reason": ""}', "application/json", 422),
        (b'{"reason": "   "}', "application/json", 422),
        (b'{"reason": 7}', "application/json", 422),
        (b'{"reason": "a", "other": 1}', "application/json", 422),
        (b"[" * 5000, "application/json", 422),
        (b"reason=a", "application/x-www-form-urlencoded", 415),
        (b"reason", "text/plain", 415),
        (b"x" * 2_000_000, "application/json", 413),
        (b'{"reason": "a"}', "application/json", 404),
    ],
)
async def test_operators_requests_are_checked_as_strictly(caller, body, content_type, status):
    """A reason is one JSON object with text in it; anything else says what is wrong."""
    response = await caller.admin("POST", REASON, content=body, headers={"Content-Type": content_type})
    assert response.status_code == status, response.text
    _is_problem(response)


@pytest.mark.parametrize(
    "query",
    [
        "state=sideways",
        "limit=0",
        "limit=9999999999999999999999",
        "limit=x",
        "since=yesterday",
        "since=0001-01-01T00:00:00%2B14:00",
        "until=9999-12-31T23:59:59-14:00",
        "cursor=%00%ff",
        "cursor=not-a-cursor",
        "platform=" + "x" * 1000,
    ],
)
async def test_search_parameters_that_make_no_sense_are_rejected(caller, query):
    """422 names the parameter; no search ends in a 500."""
    response = await caller.admin("GET", f"/v1/messages?{query}")
    assert response.status_code in (200, 422), response.text
    if response.status_code == 422:
        _is_problem(response)


async def test_the_gateway_goes_on_serving(caller):
    """After all of it a good document is still taken."""
    for body, _ in BAD_JSON.values():
        await caller.send(PENALTY, "execution", body)
    assert (await caller.send(PENALTY, "execution", execution())).status_code == 202


def _is_problem(response) -> None:
    assert response.headers["Content-Type"].startswith("application/problem+json"), response.text
    if response.request.method == "HEAD":
        return
    problem = response.json()
    assert {"type", "title", "status", "detail", "code", "trace_id"} <= set(problem)
    assert problem["status"] == response.status_code


@pytest.mark.parametrize(
    ("body", "bound", "limit"),
    [
        ({f"k{n}": 1 for n in range(60_000)}, "bound.names", "1000"),
        ({"adapter": "town", "settings": {f"k{n}": "v" for n in range(5_000)}}, "bound.names", "1000"),
        ({"adapter": [1] * 60_000}, "bound.items", "5000"),
    ],
)
async def test_a_call_of_more_fields_than_any_takes_is_told_the_bound(caller, body, bound, limit):
    """Not one fault for each field: all of them would be made before one was told."""
    for method, path in (("PUT", "/v1/platforms/penalty.330900"), ("POST", "/v1/replays")):
        answer = await caller.admin(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (413, bound)
        assert limit in answer.json()["detail"]
