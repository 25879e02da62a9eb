"""`hutong` for tests that type many commands: imported once, and each command a process forked from that.

`python ready_hutong.py SOCKET` waits; the shim that `shim` writes hands it arguments, environment, folder and
the three standard streams, and ends with the command's exit code.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path

from gateway.cli.main import main

_MOST = 1 << 17

_SHIM = """#!{python} -SE
import json, os, socket, sys
line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
line.connect({address!r})
told = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
socket.send_fds(line, [told], [0, 1, 2])
sys.exit((line.recv(1) or b"\\x7f")[0])
"""


def shim(file: Path, address: Path) -> None:
    """Write an executable that has its command done by the process that waits at `address`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_SHIM.format(python=sys.executable, address=str(address)), encoding="utf-8")
    file.chmod(0o755)


def wait(address: str) -> None:
    """Fork for every command that comes, for ever."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(address)
        door.listen()
        while True:
            line, _ = door.accept()
            if os.fork() == 0:
                _answer(line)
            line.close()


def _answer(line: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    told, streams, _, _ = socket.recv_fds(line, _MOST, 3)
    arguments, environment, folder = json.loads(told)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    line.send(bytes([_done(arguments)]))
    os._exit(0)


def _done(arguments: list[str]) -> int:
    """The exit code of a command, once everything it says is written."""
    code: object = 1
    try:
        main(arguments)
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return code if isinstance(code, int) else 0 if code is None else 1


if __name__ == "__main__":
    wait(sys.argv[1])
