"""A bucket behind a bad network: an object is whole or absent, a call ends in time, and says what went wrong.

The endpoint is real, the faults are those of a proxy before it. What is there afterwards is looked at past the proxy.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlspec.core import digest
from mlspec.core.events import Event, Moved
from mlspec.core.problem import MlspecError
from mlspec.io.bucket import Bucket, Patience
from mlspec.stores.cloud import PART, CloudStore
from tests.s3 import BUCKET, Fault, Proxy, Server, environment

QUICK = Patience(connect_s=0.5, answer_s=0.6, send_s=1.2, whole_s=2, retry_s=0.5)
BOUND_S = 3 * (QUICK.retry_s + QUICK.send_s + QUICK.whole_s) + 2
"""No call makes more than three requests that fail, each in its own time."""
SMALL = random.Random(1).randbytes(40_000)
LARGE = random.Random(2).randbytes(2 * PART + 5)
NOTE = "runs/" + "cd" * 32
FAULTS = {
    "cut": Fault(up=2000, down=60),
    "reset": Fault(up=2000, down=60, reset=True),
    "503": Fault(status=503),
    "slow": Fault(rate=400_000),
    "crawl": Fault(rate=40),
    "black hole": Fault(silent=True),
    "lost answer": Fault(down=0),
}


@dataclass(frozen=True)
class Place:
    """A prefix of the bucket, and two ways to it."""

    server: Server
    prefix: str
    monkeypatch: pytest.MonkeyPatch

    def store(self, port: int | None = None, patience: Patience = QUICK) -> CloudStore:
        for name, value in environment(port or self.server.port).items():
            self.monkeypatch.setenv(name, value)
        url = f"s3://{BUCKET}/{self.prefix}"
        bucket = Bucket(url, patience)
        return CloudStore(url, lambda: bucket, lambda _: None)


@pytest.fixture
def place(server: Server, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(server, secrets.token_hex(8), monkeypatch)


def is_whole_or_absent(place: Place, content: bytes) -> bool:
    """Say whether the object is there; it must not be there in another way than whole."""
    direct, name = place.store(patience=Patience()), digest.of_bytes(content)
    if not direct.has(name):
        return False
    assert direct.read(name) == content
    return True


def put(place: Place, store: CloudStore, content: bytes) -> None:
    try:
        store.put_bytes(content)
    finally:
        there = is_whole_or_absent(place, content)
    assert there, "what was acknowledged is there"


def put_small(place: Place, store: CloudStore) -> None:
    put(place, store, SMALL)


def put_large(place: Place, store: CloudStore) -> None:
    put(place, store, LARGE)


def get(_: Place, store: CloudStore) -> None:
    assert store.read(digest.of_bytes(SMALL)) == SMALL


def get_large(_: Place, store: CloudStore) -> None:
    assert store.read(digest.of_bytes(LARGE)) == LARGE


def has(_: Place, store: CloudStore) -> None:
    assert store.has(digest.of_bytes(SMALL))
    assert not store.has(digest.of_bytes(b"never kept"))


def list_(_: Place, store: CloudStore) -> None:
    assert store.put_bytes(LARGE).size == len(LARGE), "lists its parts, and sends none"


def note(place: Place, store: CloudStore) -> None:
    try:
        said = store.note(NOTE, b"mine")
    finally:
        there = place.store(patience=Patience()).noted(NOTE)
        assert there in (None, b"mine")
    assert (said, there) == (b"mine", b"mine")


class Enough(Exception):
    """Half of it is sent: now the process ends."""


Deed = Callable[[Place, CloudStore], None]
DEEDS: dict[str, tuple[str, Deed]] = {
    "put": ("PUT", put_small),
    "put large": ("PUT", put_large),
    "get": ("GET", get),
    "get large": ("GET", get_large),
    "has": ("HEAD", has),
    "list": ("GET", list_),
    "note": ("PUT", note),
}


ALWAYS = 1 << 30
OFTEN_ENOUGH = {"put", "get", "note"}
TABLE = [
    pytest.param(deed, fault, times, id=f"{deed}-{fault}-{'once' if times == 1 else 'always'}", marks=marks)
    for deed in DEEDS
    for fault in FAULTS
    for times in (1, ALWAYS)
    for marks in [[pytest.mark.torture] if times == ALWAYS and deed not in OFTEN_ENOUGH else []]
]


@pytest.mark.parametrize(("deed", "fault", "times"), TABLE)
def test_whole_or_absent_and_in_time(place: Place, deed: str, fault: str, times: int) -> None:
    method, do = DEEDS[deed]
    if do in (get, get_large, has, list_):
        direct = place.store(patience=Patience())
        direct.put_bytes(SMALL)
        direct.put_bytes(LARGE)
    with Proxy(place.server.port, FAULTS[fault], method, times) as proxy:
        store = place.store(proxy.port)
        began = time.monotonic()
        try:
            do(place, store)
            failed = None
        except MlspecError as error:
            (failed,) = error.problems
        seconds = time.monotonic() - began
        assert proxy.hurt, "the fault was met"
    assert seconds < BOUND_S
    if failed is not None:
        assert failed.code == "store/unreachable", failed
        assert failed.help
        assert "nobody-may-read-this" not in str(failed)
    if times == 1 and fault not in ("slow", "crawl"):
        assert failed is None, "one fault is got over"


def test_a_broken_upload_is_taken_up_again(place: Place, tmp_path: Path) -> None:
    """What reached the bucket before the network went is not sent again, also not by another process."""
    content = random.Random(3).randbytes(6 * PART)
    (tmp_path / "large").write_bytes(content)
    with Proxy(place.server.port, Fault()) as proxy:
        store = place.store(proxy.port)

        def tell(event: Event) -> None:
            if isinstance(event, Moved) and event.done > len(content) // 2:
                raise Enough

        store._tell = tell
        with suppress(Enough):
            store.put(tmp_path / "large")
    assert not is_whole_or_absent(place, content)
    sent = len([key for key in place.server.keys(place.prefix) if "/parts/" in key])
    assert 3 <= sent <= 5
    with Proxy(place.server.port, Fault()) as proxy:
        again = place.store(proxy.port)
        again.put(tmp_path / "large")
        assert proxy.passed < (6 - sent) * PART + PART // 2
        before = proxy.passed
        again.put(tmp_path / "large")
        assert proxy.passed - before < 20_000, "the third time nothing is sent"
    assert is_whole_or_absent(place, content)


@pytest.mark.torture
def test_puts_cut_at_random_bytes(place: Place, record_property: Callable[[str, object], None]) -> None:
    """Each connection is cut after a random count of bytes, to or from the endpoint, now and then for good.

    Not within the headers of a request: the endpoint would take the rest of them for said, which no service does.
    """
    hasty = Patience(connect_s=0.5, answer_s=0.4, send_s=0.4, whole_s=1, retry_s=0.2)
    dice, direct, there, failed, slowest = random.Random(4), place.store(patience=Patience()), 0, 0, 0.0
    for n in range(1000):
        content = dice.randbytes(dice.randrange(1, 300_000))
        up = {"up": dice.choice([0, dice.randrange(1500, len(content) + 2000)])}
        fault = Fault(**dice.choice([up, {"down": dice.randrange(400)}]))
        with Proxy(place.server.port, fault, "PUT", dice.choice([1, 1, 2, 3, ALWAYS])) as proxy:
            store, began, is_told = place.store(proxy.port, hasty), time.monotonic(), True
            try:
                if n % 10:
                    store.put_bytes(content)
                else:
                    assert store.note(f"runs/{n}", content) == content
            except MlspecError as error:
                assert error.problems[0].code == "store/unreachable"
                is_told, failed = False, failed + 1
            slowest = max(slowest, time.monotonic() - began)
        name = digest.of_bytes(content)
        found = (direct.read(name) if direct.has(name) else None) if n % 10 else direct.noted(f"runs/{n}")
        assert found == content if is_told else found in (None, content)
        there += found is not None
    assert slowest < BOUND_S
    figure = f"{failed} told as failed, {there} there, all of them whole; the slowest took {slowest:.1f} s"
    record_property("figure", f"1,000 puts cut at random bytes: {figure}")
