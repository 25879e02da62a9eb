"""What a registration must say."""

from datetime import UTC, datetime

import pytest

from adapters import bundled
from adapters.adapter import load
from gateway.platforms.registration import Registration, registered
from schemas.findings import Rejected

ADAPTER = load(bundled()["penalty"])


def put(base_url):
    """Register a platform at an address."""
    asked = Registration("penalty.330000", "penalty", None, {"base_url": base_url, "app_key": "k"})
    return registered(asked, ADAPTER, {"penalty"}, None, datetime(2026, 9, 1, tzinfo=UTC))


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


def test_a_setting_that_is_missing_is_told_once():
    """The address, too, which every adapter needs."""
    asked = Registration("penalty.330000", "penalty", None, {"app_key": "k"})
    with pytest.raises(Rejected) as caught:
        registered(asked, ADAPTER, {"penalty"}, None, datetime(2026, 9, 1, tzinfo=UTC))
    assert [(one.code, one.path) for one in caught.value.findings] == [("setting.missing", "settings.base_url")]
