"""What a registration must say."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters import bundled
from adapters.adapter import load
from gateway.platforms.registration import Registration, registered
from schemas.findings import Rejected

ADAPTER = load(bundled()["penalty"])


AT = datetime(2026, 9, 1, tzinfo=UTC)


def put(base_url, before=None, allowed=("http", "private", "loopback"), allow=(), **secrets):
    """Register a platform at an address."""
    settings = {"base_url": base_url, **({"app_key": "k"} if before is None else secrets)}
    asked = Registration("penalty.330000", "penalty", None, settings, allow=allow)
    return registered(asked, ADAPTER, {"penalty"}, before, AT, allowed=allowed)


def faults(base_url, **more):
    """Name what is wrong with a registration."""
    with pytest.raises(Rejected) as caught:
        put(base_url, **more)
    return [(one.code, one.path) for one in caught.value.findings]


@pytest.mark.parametrize(
    "address", ["http://例子.中国/接口", "https://处罚.gov.example:8443", "http://127.0.0.1:9", "http://[::1]:9/a"]
)
def test_a_host_that_has_a_name_in_dns_is_taken(address):
    """In Chinese, too: it is encoded when it is called."""
    assert put(address).settings["base_url"] == address


@pytest.mark.parametrize("address", ["http://例子..中国/", "http://" + "长" * 64 + ".中国/", "http://\u2028例/"])
def test_a_host_that_has_none_is_refused_with_the_remedy(address):
    """Before the first document waits for it."""
    with pytest.raises(Rejected) as caught:
        put(address)
    [finding] = caught.value.findings
    assert finding.path == "settings.base_url"
    assert finding.code in ("setting.host", "setting.url")


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("http://penalty.example", "destination.http"),
        ("https://10.0.0.8", "destination.private"),
        ("https://localhost:9", "destination.loopback"),
        ("https://[::1]:9", "destination.loopback"),
    ],
)
def test_an_address_needs_what_it_is_to_be_allowed(address, code):
    """To all platforms by the settings, or to one by its registration; each refusal names what to allow."""
    kind = code.partition(".")[2]
    assert faults(address, allowed=()) == [(code, "settings.base_url")]
    assert put(address, allowed=(kind,)).allow == ()
    assert put(address, allowed=(), allow=(kind,)).allow == (kind,)


def test_a_name_and_a_public_address_under_tls_need_nothing():
    """Where a name leads to is judged when it is connected to."""
    assert put("https://penalty.example", allowed=()).allow == ()
    assert put("https://203.0.113.8", allowed=()).allow == ()


@pytest.mark.parametrize("address", ["http://169.254.169.254", "https://[fe80::1]", "http://0.0.0.0:80"])
def test_some_addresses_are_never_taken(address):
    """Metadata of clouds, say, whatever is allowed."""
    assert faults(address, allow=("http", "private", "loopback")) == [("destination.refused", "settings.base_url")]


def test_only_known_kinds_can_be_allowed():
    """Each that is none is named."""
    assert faults("https://a.example", allow=("http", "metadata")) == [("allow.unknown", "allow[1]")]


def test_a_secret_stays_while_the_address_leads_to_the_same_place():
    """Another path is the same place; nobody can read the secret back to repeat it."""
    before = put("https://penalty.example/a")
    assert put("https://penalty.example:443/b", before=before).settings["app_key"] == "k"


@pytest.mark.parametrize(
    "address", ["http://penalty.example/a", "https://penalty.example:8443/a", "https://other.example/a"]
)
def test_a_secret_is_not_sent_to_another_place(address):
    """Another scheme, port or host: it must be given again, by who knows it."""
    before = put("https://penalty.example/a")
    assert faults(address, before=before) == [("setting.missing", "settings.app_key")]
    assert put(address, before=before, app_key="new").settings["app_key"] == "new"


def test_a_setting_that_is_missing_is_told_once():
    """The address, too, which every adapter needs."""
    asked = Registration("penalty.330000", "penalty", None, {"app_key": "k"})
    with pytest.raises(Rejected) as caught:
        registered(asked, ADAPTER, {"penalty"}, None, datetime(2026, 9, 1, tzinfo=UTC))
    assert [(one.code, one.path) for one in caught.value.findings] == [("setting.missing", "settings.base_url")]


CERTIFICATES = Path(__file__).parents[1] / "delivery" / "certificates"
PEM = (CERTIFICATES / "good.pem").read_text()


def tls(**settings):
    """Register a platform with settings of TLS; gives what is wrong."""
    said = {"base_url": "https://cf.example.gov.cn", "app_key": "k", **settings}
    asked = Registration("penalty.330000", "penalty", None, said)
    try:
        registered(asked, ADAPTER, {"penalty"}, None, datetime(2026, 9, 1, tzinfo=UTC))
    except Rejected as rejected:
        return [(one.code, one.path) for one in rejected.findings]
    return []


def test_what_is_said_of_tls_must_be_of_use():
    """A certificate with its key; the least version one that there is."""
    assert tls(tls_ca=PEM, tls_certificate=PEM, tls_key=PEM, tls_minimum="1.3") == []
    assert tls(tls_certificate=PEM) == [("setting.tls", "settings.tls_key")]
    assert tls(tls_ca="no PEM") == [("setting.tls", "settings.tls_ca")]
    assert tls(tls_minimum="1.0") == [("setting.choice", "settings.tls_minimum")]
    assert tls(tls_ca=7) == [("setting.text", "settings.tls_ca")]


def witness(mode="push", **settings):
    """What is wrong with the settings of a witness."""
    asked = Registration("penalty.330000", "penalty", None, {"base_url": "http://a", "app_key": "k", **settings}, mode)
    try:
        registered(asked, ADAPTER, {"penalty"}, None, AT)
    except Rejected as rejected:
        return [(one.code, one.path) for one in rejected.findings]
    return []


def test_what_is_said_of_a_witness_must_be_of_use():
    """A path behind the address that is called, and a public key of Ed25519 or SM2."""
    assert witness(witness="/audit/heads", witness_key="ab" * 32) == []
    assert witness(witness="audit heads") == [("setting.path", "settings.witness")]
    assert witness("pull", witness="/heads") == [("witness.pull", "settings.witness")]
    for key in ("ab" * 31, "AB" * 32, "04" + "ab" * 64):
        assert witness(witness="/h", witness_key=key) == [("setting.key", "settings.witness_key")]
