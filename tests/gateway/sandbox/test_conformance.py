"""A bundle that does what it promises has nothing found against it; each broken promise is found, with its line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from adapters.adapter import DeclarativeAdapter, load
from gateway.sandbox.conformance import check, conform

PLAIN = Path(__file__).parent / "bundles" / "plain"


async def found(folder: Path) -> dict[str, tuple[int, bool]]:
    """Give what is found against a bundle: code → line and whether it is a warning."""
    return {one.code: (one.line, one.warning) for one in await conform(load(folder))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a copy of the plain bundle to be spoilt, without the type that has no reply rules."""
    copy = Path(shutil.copytree(PLAIN, tmp_path / "plain"))
    shutil.rmtree(copy / "samples" / "penalty.executed")
    return copy


def spoil(folder: Path, before: str, after: str, file: str = "adapter.yaml") -> None:
    """Change a bundle in one place."""
    text = (folder / file).read_text()
    assert text.count(before) >= 1
    (folder / file).write_text(text.replace(before, after, 1))


def line_of(folder: Path, text: str) -> int:
    """Give the line on which a text stands in the manifest."""
    lines = (folder / "adapter.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


async def test_every_bundled_adapter_conforms(bundled: DeclarativeAdapter) -> None:
    """In good weather and in bad, nothing to complain about."""
    assert await conform(bundled) == ()


async def test_a_good_bundle_has_no_findings(folder: Path) -> None:
    """The plain one does what it says."""
    assert await found(folder) == {}


SM2_D = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
SM2_P = (
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)


@pytest.mark.parametrize(
    "auth",
    [
        "{scheme: oauth2, path: /oauth/token, client_id: a, client_secret: b}",
        "{scheme: oauth2, path: /t, client_id: a, client_secret: b, token: data.token, expires: data.seconds}",
        'hmac-headers, key: k, headers: {X-Sign: "{nonce} {timestamp} {signature}"}',
        'hmac-headers, algorithm: sm3, sign: "s{body}", headers: {X-Sign: "{signature}"}',
        f'sm2, private_key: "{SM2_D}", public_key: "{SM2_P}", headers: {{X-Sign: "{{signature}}"}}',
        "standard-webhooks, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ],
)
async def test_a_bundle_that_signs_is_proved_like_any_other(folder: Path, auth: str) -> None:
    """Its double issues the tokens, and takes whatever was signed."""
    declared = auth if auth.startswith("{") else f"{{scheme: {auth}}}"
    text = (folder / "adapter.yaml").read_text()
    (folder / "adapter.yaml").write_text(re.sub(r"^auth:.*\n", "", text, flags=re.M) + f"\nauth: {declared}\n")
    assert await found(folder) == {}


async def test_a_type_without_reply_rules_is_warned_of() -> None:
    """Any 2xx is a yes there, and no answer is a business no."""
    warnings = await found(PLAIN)
    assert warnings.keys() == {"reply.no-refusal", "reply.any-2xx"}
    assert all(warning for _, warning in warnings.values())


async def test_rules_that_never_say_yes_are_found(folder: Path) -> None:
    """Both rules say no: nothing can ever be delivered."""
    spoil(folder, "verdict: accepted, reference: data.id}", "verdict: refused, reason: msg}")
    spoil(folder, "is: 0}, verdict: refused", "is: 7}, verdict: refused")
    assert "double.not-accepted" in await found(folder)


async def test_a_refusing_rule_that_hides_the_yes_is_found(folder: Path) -> None:
    """First match wins: a rule too wide before it swallows the acceptance."""
    line = line_of(folder, "is: 0}, verdict: accepted, reference: data.id}")
    spoil(folder, "    reply:\n", "    reply:\n      - {when: {status: 2xx}, verdict: dead}\n")
    found_here = await found(folder)
    assert "double.not-accepted" in found_here
    assert abs(found_here["double.not-accepted"][0] - line) < 8


async def test_a_document_its_own_schema_forbids_is_found(folder: Path) -> None:
    """The mapping writes what the platform does not take."""
    spoil(folder, '"maxLength": 20', '"maxLength": 2', "native/progress.schema.json")
    assert "double.invalid" in await found(folder)


async def test_a_question_that_does_not_find_what_was_taken_is_found(folder: Path) -> None:
    """It asks, reads the yes as a no, and sends everything twice."""
    spoil(folder, "      reply:\n", "      reply:\n        - {when: {status: 2xx}, verdict: retry}\n")
    assert "double.not-confirmed" in await found(folder)


async def test_a_retry_that_forgets_retry_after_is_found(folder: Path) -> None:
    """A rule that calls 429 dead takes the platform's wish for an end."""
    spoil(folder, "    reply:\n", '    reply:\n      - {when: {status: "429"}, verdict: dead}\n')
    assert "double.retry-after" in await found(folder)


async def test_a_type_without_a_refusal_is_warned_of(folder: Path) -> None:
    """What the platform says no to would be a dead letter."""
    spoil(folder, "      - {when: {status: 2xx, at: code, is: 1001}, verdict: refused, reason: msg}\n", "")
    assert (await found(folder))["reply.no-refusal"][1] is True


def test_the_whole_check_tells_of_files_and_of_the_double(folder: Path) -> None:
    """One report: what the files say first, and the double only when they are sound."""
    spoil(folder, '"maxLength": 20', '"maxLength": 2000', "native/progress.schema.json")
    spoil(folder, "  penalty.executed:\n    mapping: execution\n", "")
    spoil(folder, '    request: {method: POST, path: "/api/executions/{case_number}"}\n', "")
    (folder / "mappings" / "execution.yaml").unlink()
    spoil(
        folder, "officers: {split: {name: ZFRY, number: ZFZH}", "officers: {split: {name: ZFRY}", "mappings/case.yaml"
    )
    sample = folder / "samples" / "case.transferred"
    for file in ("1.native.json", "1.canonical.json"):
        text = (sample / file).read_text().replace(', "ZFZH": "33010001,33010002"', "")
        (sample / file).write_text(text.replace(', "number": "33010001"', "").replace(', "number": "33010002"', ""))
    assert [one.code for one in check(folder).findings if not one.warning] == []
    spoil(folder, "    reply:\n", '    reply:\n      - {when: {status: "429"}, verdict: dead}\n')
    assert "double.retry-after" in {one.code for one in check(folder).findings}
    (folder / "mappings" / "case.yaml").write_text("nonsense")
    assert not any(one.code.startswith("double.") for one in check(folder).findings)
