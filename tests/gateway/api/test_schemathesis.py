"""Requests made at random from the interface's own description never find an error of the server's."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import schemathesis.specs.openapi.schemas
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.python import asgi

from gateway.api.app import create_app
from gateway.bootstrap import build
from gateway.intake.steps import IntakeCall
from gateway.ledger.records import Accepted, Intent, Rejection
from gateway.settings import Settings

EXAMPLES = 20
"""Requests an operation: the run is bounded to about a minute."""

ADMIN_TOKEN = "the-admin-token-of-these-tests"
PENALTY = "penalty.330000"
GOOD = '{"AH":"浙环案2026001","WSH":"浙环罚〔2026〕3号","LX":"1","ZXSJ":"2026-05-06 09:30:00"}'.encode()


schemathesis.serializer.alias("application/zip", "application/octet-stream")


class Living:
    """The application with its gateway's life tied to its own, and a few things in it to be found."""

    def __init__(self, installed: Any, address: str) -> None:
        self._settings = Settings(ledger=address, admin_token=ADMIN_TOKEN)
        self._hub = build(self._settings, adapters=installed)
        self._app = create_app(self._hub, self._settings)
        self.known: dict[str, str] = {}
        self.credential = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request, or begin and end with the server."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        await receive()
        await self._start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._hub.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        hub = self._hub
        await hub.start()
        address = {"base_url": "http://127.0.0.1:9"}
        intent = Intent("test", "", hub.clock())
        mobile = {**address, "token": "t"}
        await hub.platforms.put("mobile-enforcement.330000", "canonical", None, mobile, intent=intent)
        platform = await hub.platforms.put(PENALTY, "town", None, {**address, "key": "k"}, intent=intent)
        self.credential = (await hub.platforms.issue_credential(PENALTY, intent)).token
        accepted = (await hub.receive(IntakeCall(platform, "execution", GOOD))).receipt.entries[0]
        rejected = (await hub.receive(IntakeCall(platform, "execution", b"{}"))).receipt.entries[0]
        assert isinstance(accepted, Accepted)
        assert isinstance(rejected, Rejection)
        self.known = {
            "platform_id": PENALTY,
            "message_id": accepted.message.id,
            "delivery_id": accepted.deliveries[0].id,
            "rejection_id": rejected.id,
            "operation": "execution",
            "name": "town",
            "version": "1.0.0",
            "credit_code": "91330110MA2CXY1R13",
        }


@pytest.fixture(scope="module")
def living(
    installed: Any, ledger_at: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Living]:
    """A gateway that lives as long as this module's tests."""
    yield Living(installed, ledger_at(tmp_path_factory.mktemp("living") / "hutong.db"))
    asgi.shutdown_lifespans()


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "not-allowed"])
def test_no_request_finds_a_server_error(living: Living, mode: GenerationMode) -> None:
    """Whatever the description allows, and what it does not, is answered and never with a 500."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", living)
    tried = 0
    for found in schema.get_all_operations():
        try_operation(living, found.ok().as_strategy(generation_mode=mode))
        tried += 1
    assert tried > 30


def try_operation(living: Living, cases: Any) -> None:
    """Send an operation a number of requests."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def send(case: Any) -> None:
        for name in case.path_parameters or {}:
            if name in living.known and case.method != "DELETE" and len(str(case.path_parameters[name])) % 2:
                case.path_parameters[name] = living.known[name]
        own = case.path == "/v1/inbound/{operation}" or (case.path, case.method) == ("/v1/messages", "POST")
        token = living.credential if own or case.path.startswith("/v1/attachments") else ADMIN_TOKEN
        response = case.call(headers={"Authorization": f"Bearer {token}"}, timeout=60)
        case.validate_response(response, checks=(not_a_server_error,))

    with contextlib.suppress(Unsatisfiable):
        send()
