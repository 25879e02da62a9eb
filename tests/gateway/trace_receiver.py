"""A small receiver of traces, as an operator's collector would be: OTLP over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Receiver:
    """A receiver of traces over HTTP, as they arrive."""

    url: str = ""
    spans: list[Any] = field(default_factory=list)
    services: list[str] = field(default_factory=list)

    def take(self, path: str, body: bytes) -> None:
        assert path == "/v1/traces"
        request = ExportTraceServiceRequest.FromString(body)
        for group in request.resource_spans:
            names = [one.value.string_value for one in group.resource.attributes if one.key == "service.name"]
            self.services.extend(names)
            self.spans.extend(span for scope in group.scope_spans for span in scope.spans)

    def shown(self) -> dict[str, tuple[str, str, str]]:
        """Name → trace, own id and parent's id."""
        return {one.name: (one.trace_id.hex(), one.span_id.hex(), one.parent_span_id.hex()) for one in self.spans}


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Give a receiver that listens."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.take(self.path, self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        yield receiver
        server.shutdown()
