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
    """What happens to a connection. `up` and `down`: it is closed after so many bytes to and from the server."""

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
    """A proxy before a server. It hurts its first `times` connections, then it is a plain one."""

    upstream: int
    fault: Fault
    times: int = 1 << 30
    port: int = 0
    hurt: int = 0
    connections: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closing: bool = False

    def __enter__(self) -> Proxy:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            hurt = self.hurt < self.times
            self.hurt += hurt
        fault = self.fault if hurt else Fault()
        with client, suppress(OSError):
            if fault.silent:
                while client.recv(_BLOCK):
                    pass
            elif fault.status:
                client.recv(_BLOCK)
                head = f"HTTP/1.1 {fault.status} Injected\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                client.sendall(head.encode())
            else:
                self._relay(client, fault)

    def _relay(self, client: socket.socket, fault: Fault) -> None:
        with socket.create_connection(("127.0.0.1", self.upstream)) as server:
            over = threading.Event()
            ways = [(client, server, fault.up), (server, client, fault.down)]
            pipes = [threading.Thread(target=_pipe, args=(*way, fault, over), daemon=True) for way in ways]
            for pipe in pipes:
                pipe.start()
            over.wait()
            if fault.reset:
                for end in (client, server):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                for end in (client, server):
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)


def _pipe(source: socket.socket, target: socket.socket, cut: int | None, fault: Fault, over: threading.Event) -> None:
    """Pass bytes on until one end closes or enough have passed."""
    passed = 0
    try:
        while block := source.recv(_BLOCK if fault.rate is None else max(1, fault.rate // 20)):
            if fault.rate is not None:
                time.sleep(len(block) / fault.rate)
            if fault.weak:
                block = block.replace(b"if-none-match:", b"x-not-for-you:")
            if cut is not None and passed + len(block) >= cut:
                target.sendall(block[: cut - passed])
                return
            target.sendall(block)
            passed += len(block)
    except OSError:
        pass
    finally:
        over.set()
