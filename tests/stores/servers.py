"""Real S3 servers for tests, and a network that fails on purpose."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

STARTING = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """An S3 emulator on a free loopback port; yields its endpoint and stops it."""
    port = free_port()
    quiet = {"SERVICES": "s3", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", "LOG_LEVEL": "ERROR"}
    with (folder / "ministack.log").open("wb") as log:
        server = subprocess.Popen(
            [str(Path(sys.executable).with_name("ministack"))],
            env={**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), **quiet},
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _wait_for(endpoint, server, folder / "ministack.log")
        yield endpoint
    finally:
        server.terminate()
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(endpoint: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(endpoint, timeout=1).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"MiniStack did not start: {log.read_text(errors='replace')[-500:]}")


@dataclass
class Fault:
    """What happens to the bytes of one connection.

    `upwards` and `downwards` get each piece and how many bytes went before; None cuts the line.
    """

    upwards: Callable[[bytes, int], bytes | None] = lambda piece, _: piece
    downwards: Callable[[bytes, int], bytes | None] = lambda piece, _: piece


@dataclass
class FaultyNetwork:
    """A proxy before `endpoint`; the first connections suffer `faults`, one each, later ones none."""

    endpoint: str
    faults: list[Fault] = field(default_factory=list)
    connections: int = 0

    @contextmanager
    def running(self) -> Iterator[str]:
        with socket.create_server(("127.0.0.1", 0), backlog=64) as door:
            thread = threading.Thread(target=self._serve, args=(door,), daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
            with suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)
        thread.join(5)

    def _serve(self, door: socket.socket) -> None:
        host, port = self.endpoint.removeprefix("http://").split(":")
        while True:
            try:
                near, _ = door.accept()
            except OSError:
                return
            self.connections += 1
            fault = self.faults.pop(0) if self.faults else Fault()
            far = socket.create_connection((host, int(port)))
            for source, target, change in ((near, far, fault.upwards), (far, near, fault.downwards)):
                threading.Thread(target=_pump, args=(source, target, change), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket, change: Callable[[bytes, int], bytes | None]) -> None:
    before = 0
    with suppress(OSError):
        while piece := source.recv(65536):
            changed = change(piece, before)
            if changed is None:
                break
            target.sendall(changed)
            before += len(piece)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
