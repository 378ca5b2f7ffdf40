"""A real S3 endpoint on loopback, moto's server in a process of its own, and a proxy that hurts connections to it."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import obstore
from obstore.store import S3Store

BUCKET = "models"
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Server:
    """An S3 endpoint with one bucket. The names below are keys in it; they go past the store that is tested."""

    port: int

    @property
    def environment(self) -> dict[str, str]:
        """Return what a user would set to use it."""
        return environment(self.port)

    def get(self, key: str) -> bytes:
        return bytes(obstore.get(self._store, key).bytes())

    def put(self, key: str, content: bytes) -> None:
        obstore.put(self._store, key, content, use_multipart=False)

    def remove(self, key: str) -> None:
        obstore.delete(self._store, key)

    def keys(self, prefix: str) -> list[str]:
        return [meta["path"] for batch in obstore.list(self._store, prefix) for meta in batch]

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers, method=method)
        urllib.request.urlopen(asked, timeout=30).read()

    @property
    def _store(self) -> S3Store:
        return S3Store(
            BUCKET,
            endpoint=f"http://127.0.0.1:{self.port}",
            access_key_id="outside",
            secret_access_key="outside",
            region="us-east-1",
            client_options={"allow_http": True},
        )


def environment(port: int) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "nobody-may-read-this",
        "AWS_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serve() -> Iterator[Server]:
    """Run the endpoint."""
    port = free_port()
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    running = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert running.poll() is None, "the endpoint ended"
                assert time.monotonic() < until, "the endpoint does not come up"
                time.sleep(0.05)
        server = Server(port)
        server.request("PUT", f"/{BUCKET}")
        yield server
    finally:
        running.terminate()
        running.wait()


@dataclass(frozen=True)
class Fault:
    """What happens to a request. `up` and `down`: it is cut off after so many bytes to and from the server."""

    up: int | None = None
    down: int | None = None
    reset: bool = False
    silent: bool = False
    status: int | None = None
    rate: int | None = None
    """Bytes a second in each direction."""
    weak: bool = False
    """The server never sees a condition: it overwrites as one that does not know them."""


@dataclass
class Proxy:
    """A proxy before a server. It hurts the first `times` requests of a method ("" is any), then it is a plain one."""

    upstream: int
    fault: Fault
    method: str = ""
    times: int = 1 << 30
    port: int = 0
    hurt: int = 0
    passed: int = 0
    """Bytes that reached the server."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Proxy:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", self.upstream)) as server:
            relay = _Relay(self, client, server)
            ways = [threading.Thread(target=way, daemon=True) for way in (relay.up, relay.down)]
            for way in ways:
                way.start()
            relay.over.wait()
            for end in (client, server):
                with suppress(OSError):
                    if relay.hurts and self.fault.reset:
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        end.shutdown(socket.SHUT_RD)  # tells nobody; a thread that still reads would keep it open
                    else:
                        end.shutdown(socket.SHUT_RDWR)
            for way in ways:
                way.join(5)

    def takes(self, block: bytes) -> bool:
        """Say whether the request that begins with this block is to be hurt."""
        if not block.startswith(f"{self.method} ".encode() if self.method else b""):
            return False
        with self._lock:
            takes = self.hurt < self.times
            self.hurt += takes
            return takes


class _Relay:
    """One connection; from the request on that is to be hurt, `hurts` is true."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy, self.client, self.server = proxy, client, server
        self.hurts, self.over = False, threading.Event()

    def up(self) -> None:
        passed, fault = 0, self.proxy.fault
        try:
            while block := self.client.recv(self._size()):
                if not self.hurts:
                    self.hurts = self.proxy.takes(block)
                if self.hurts and fault.status:
                    answer = f"HTTP/1.1 {fault.status} Injected\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    self.client.sendall(answer.encode())
                    return
                if self.hurts and fault.silent:
                    continue
                if self.hurts and fault.weak:
                    block = block.replace(b"if-none-match:", b"x-not-for-you:")
                passed = self._pass(self.server, block, passed, fault.up)
        except OSError:
            pass
        finally:
            self.over.set()

    def down(self) -> None:
        passed = 0
        try:
            while block := self.server.recv(self._size()):
                passed = self._pass(self.client, block, passed, self.proxy.fault.down)
        except OSError:
            pass
        finally:
            self.over.set()

    def _size(self) -> int:
        rate = self.proxy.fault.rate
        return max(1, rate // 20) if rate and self.hurts else _BLOCK

    def _pass(self, target: socket.socket, block: bytes, passed: int, cut: int | None) -> int:
        """Send a block on; raise where the connection is to be cut."""
        if self.hurts and self.proxy.fault.rate:
            time.sleep(len(block) / self.proxy.fault.rate)
        if self.hurts and cut is not None and passed + len(block) >= cut:
            target.sendall(block[: cut - passed])
            raise ConnectionAbortedError
        target.sendall(block)
        self.proxy.passed += len(block) if target is self.server else 0
        return passed + len(block) if self.hurts else 0
