"""A TCP proxy before a database that cuts a connection in mid-commit: before the COMMIT is passed on, or after."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading

_COMMIT = b"COMMIT"
_RESET = struct.pack("ii", 1, 0)
_SIZE = 1 << 16


class CuttingProxy:
    """Passes everything on, until it is told to cut the next commits.

    Cut `before`, the database never hears of the COMMIT, and rolls back; cut `after`, it commits, and its answer never
    arrives. Whoever is connected cannot tell the two apart.
    """

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._armed: dict[str, int] = {"before": 0, "after": 0}
        self.cuts = 0
        self._closed = False
        threading.Thread(target=self._accept, daemon=True, name="cutting-proxy").start()

    def cut(self, when: str, count: int = 1) -> None:
        """Cut the next `count` commits, `before` or `after` they reach the database; 0: no more."""
        with self._lock:
            self._armed[when] = count

    def close(self) -> None:
        """Take no connection any more."""
        self._closed = True
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._to, timeout=5)
        except OSError:
            _break(client)
            return
        server.settimeout(None)
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            self._pump(client, server)
        _break(client)
        _break(server)

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        while True:
            ready, _, _ = select.select([client, server], [], [])
            for one in ready:
                received = one.recv(_SIZE)
                if not received:
                    return
                if one is server:
                    client.sendall(received)
                    continue
                when = self._due() if _COMMIT in received else None
                if when == "before":
                    return
                server.sendall(received)
                if when == "after":
                    server.recv(_SIZE)  # its answer: committed, and nobody is told
                    return

    def _due(self) -> str | None:
        with self._lock:
            for when, left in self._armed.items():
                if left:
                    self._armed[when] = left - 1
                    self.cuts += 1
                    return when
        return None


def _break(one: socket.socket) -> None:
    """Close with a reset, as a cut line looks."""
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    one.close()
