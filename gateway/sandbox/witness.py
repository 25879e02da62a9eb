"""A double as a witness: it keeps the signed heads that it is offered, and signs that it did."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gateway.audit.proofs import is_consistent
from gateway.audit.signatures import is_head, witness_text
from gateway.audit.signing import SigningKey
from gateway.clock import Clock


class WitnessDouble:
    """What a good witness does: takes a head that is signed and continues the one it has, and nothing else."""

    def __init__(self, clock: Clock) -> None:
        self.key = SigningKey.new()
        self._clock = clock
        self._lines: list[bytes] = []
        self._newest: Mapping[str, Any] = {"size": 0, "root": ""}

    @property
    def size(self) -> int:
        """The size of the newest head that it has; 0: it has none."""
        return int(self._newest["size"])

    def take(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Take an offer; gives a status and the answer."""
        try:
            offered = json.loads(body)
            root, path = bytes.fromhex(offered["root"]), [bytes.fromhex(each) for each in offered["path"]]
            old, size = offered["from"], offered["size"]
        except (ValueError, KeyError, TypeError):
            return 400, {}
        if not is_head(offered):
            return 403, {"reason": "the head is not signed"}
        if old != self.size:
            return 409, {"size": self.size}
        if old and not is_consistent(old, size, bytes.fromhex(self._newest["root"]), root, path):
            return 422, {"reason": "the past was rewritten"}
        if size != old:
            self._lines.append(json.dumps(offered).encode() + b"\n")
            self._newest = offered
        at = int(self._clock().timestamp() * 1_000_000)
        return 200, {"at": at, "signature": self.key.sign(witness_text(offered, at)).hex()}

    def heads(self) -> bytes:
        """Give the heads as they were offered, one a line: a file for `hutong audit verify --heads`."""
        return b"".join(self._lines)
