"""A project whose store is a bucket, by the command line: shared by clones, refused in words, no secret ever told."""

from __future__ import annotations

import http.server
import os
import secrets
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.s3 import BUCKET, Server, environment, free_port, serve
from tests.worlds import Done, World, declare

SECRET = "nobody-may-read-this"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


def in_bucket(root: Path, port: int, store: str) -> World:
    """Declare the small project with its store in a bucket."""
    world = declare(root)
    world.edit("mlspec.yaml", "version: 1\n", f"version: 1\nstore: {store}\n")
    world.commit("Keep models in a bucket")
    return World(root, {**world.env, **environment(port), "CI": "true"})


def cloned(world: World, target: Path) -> World:
    world.git("clone", "-q", ".", str(target))
    return World(target, world.env)


def refused(done: Done, code: str, *said: str) -> None:
    assert done.code == 1, done
    assert f"error[{code}]" in done.err, done.err
    assert "help:" in done.err
    for text in said:
        assert text in done.err, done.err
    assert SECRET not in done.out + done.err
    assert "Traceback" not in done.err
    assert len(done.err.splitlines()) < 12, done.err


@pytest.mark.torture
def test_clones_share_a_bucket(server: Server, tmp_path: Path) -> None:
    world = in_bucket(tmp_path / "first", server.port, f"s3://{BUCKET}/{secrets.token_hex(4)}/models/")
    done = world.mlspec("apply", "--yes")
    assert done.code == 0, done
    assert not (world.root / ".mlspec" / "store").exists()
    other = cloned(world, tmp_path / "other")
    dead = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    planned = other.mlspec("plan", "--detailed-exitcode", **dead)
    assert planned.code == 0, "a plan opens no connection to the store"
    assert other.mlspec("export", "answer@staging", str(tmp_path / "model")).code == 0
    assert other.mlspec("export", "answer@staging", str(tmp_path / "again"), **dead).code == 0, "from copies here"
    copies = other.root / ".mlspec" / "cache" / "objects"
    for path in copies.glob("sha256/??/*"):
        path.chmod(0o644)
        path.write_bytes(b"damaged")
    assert other.mlspec("export", "answer@staging", str(tmp_path / "healed")).code == 0
    assert (tmp_path / "healed" / "model.skops").read_bytes() == (tmp_path / "model" / "model.skops").read_bytes()
    shutil.rmtree(copies)
    assert other.mlspec("verify", "--store").code == 0
    assert not copies.exists(), "what is verified is the bucket"
    assert SECRET not in done.out + done.err + "".join(world.content(path).decode() for path in world.recorded())


@pytest.mark.torture
def test_an_object_lost_from_a_bucket_is_found_by_apply_and_verify(server: Server, tmp_path: Path) -> None:
    prefix = secrets.token_hex(4)
    world = in_bucket(tmp_path / "work", server.port, f"s3://{BUCKET}/{prefix}")
    assert world.mlspec("apply", "--yes").code == 0
    for key in server.keys(prefix):
        server.remove(key)
    verified = world.mlspec("verify", "--store")
    assert verified.code == 3
    assert "store/missing" in verified.out + verified.err
    world.edit("specs/answer.yaml", "C: 1.0", "C: 2.0")
    world.commit("Other parameters")
    assert "snapshot" not in world.mlspec("plan").out, "a plan takes what is recorded as held"
    done = world.mlspec("apply", "--yes")
    assert "snapshot" in done.out, "an apply asks, and puts the data back first"
    assert done.code == 0, done


@contextmanager
def answering(answers: dict[str, tuple[int, str]]) -> Iterator[int]:
    """Run an endpoint that answers each method with a status and an error in S3's form."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, code = answers.get(self.command, (404, "NoSuchKey"))
            body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>it says so</Message></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(0 if self.command == "HEAD" else len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = answer

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        try:
            yield running.server_address[1]
        finally:
            running.shutdown()


REFUSALS: dict[str, tuple[dict[str, tuple[int, str]], str, tuple[str, ...]]] = {
    "denied": (
        {"PUT": (403, "AccessDenied"), "GET": (403, "AccessDenied"), "HEAD": (403, "")},
        "store/denied",
        ("may not be read", "AccessDenied", "s3:GetObject"),
    ),
    "read-only": (
        {"PUT": (403, "AccessDenied")},
        "store/read-only",
        ("may be read here and not written", "AccessDenied"),
    ),
    "key unknown": (
        dict.fromkeys(("PUT", "GET"), (403, "InvalidAccessKeyId")),
        "store/denied",
        ("does not accept the credentials", "AWS_ACCESS_KEY_ID"),
    ),
    "token expired": (
        dict.fromkeys(("PUT", "GET"), (400, "ExpiredToken")),
        "store/denied",
        ("does not accept the credentials", "ExpiredToken"),
    ),
    "no bucket": ({"PUT": (404, "NoSuchBucket"), "GET": (404, "NoSuchBucket")}, "store/no-bucket", ("`models`",)),
    "another region": (
        dict.fromkeys(("PUT", "GET", "HEAD"), (301, "PermanentRedirect")),
        "store/region",
        ("AWS_REGION",),
    ),
    "clock": (dict.fromkeys(("PUT", "GET"), (403, "RequestTimeTooSkewed")), "store/clock", ("clock",)),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_bucket_that_refuses_is_told_before_anything_is_done(tmp_path: Path, name: str) -> None:
    answers, code, said = REFUSALS[name]
    with answering(answers) as port:
        world = in_bucket(tmp_path / "work", port, f"s3://{BUCKET}/x")
        refused(world.mlspec("apply", "--yes"), code, f"s3://{BUCKET}/x", *said)
        assert world.tip == ""


def test_nobody_there_and_no_credentials(tmp_path: Path) -> None:
    world = in_bucket(tmp_path / "work", free_port(), f"s3://{BUCKET}/x")
    refused(world.mlspec("apply", "--yes"), "store/unreachable", f"s3://{BUCKET}/x")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # where a machine would ask for its role
        at = f"http://127.0.0.1:{silent.getsockname()[1]}"
        silent.close()
        bare = {name: value for name, value in world.env.items() if not name.startswith("AWS_")}
        done = World(world.root, bare).mlspec("apply", "--yes", AWS_METADATA_ENDPOINT=at)
    refused(done, "store/no-credentials", "AWS_ACCESS_KEY_ID")
    assert world.tip == ""


def test_without_the_extra_a_plan_works_and_an_apply_names_it(tmp_path: Path) -> None:
    world = in_bucket(tmp_path / "work", free_port(), f"s3://{BUCKET}/x")
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / "obstore.py").write_text("raise ImportError('not installed')\n")
    without = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "shadow"), os.environ.get("PYTHONPATH", "")])}
    assert world.mlspec("plan", **without).code == 0
    refused(world.mlspec("apply", "--yes", **without), "store/no-extra", "mlspec[cloud]")
    assert world.tip == ""


@pytest.mark.parametrize(
    ("store", "code"),
    [
        ("https://bucket.example.org/x", "project/unknown-store"),
        ("s3://", "spec/value"),
        ("s3://Bucket/x", "spec/value"),
        (f"s3://AKID:{SECRET}@models/x", "spec/"),
        ("s3://models/../x", "spec/value"),
        ("s3:/models", "spec/value"),
        ("/mnt/models", "spec/value"),
        ("../models", "spec/value"),
        ("{path: git, shared: true}", "spec/value"),
        ("{path: /mnt/.git/x, shared: true}", "spec/value"),
    ],
)
def test_a_store_that_cannot_be_is_told_by_validate(tmp_path: Path, store: str, code: str) -> None:
    world = in_bucket(tmp_path / "work", free_port(), store)
    done = world.mlspec("validate")
    assert done.code == 1, done
    assert "mlspec.yaml:2:" in done.out + done.err
    assert f"error[{code}" in done.out + done.err
    assert SECRET not in done.out + done.err
