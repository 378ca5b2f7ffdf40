"""What every executor promises, run over each of them with real processes."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from mlspec.core.ports import Executor, Job, JobResult
from mlspec.core.problem import MlspecError
from mlspec.executors.local import LocalExecutor

GRACE_S = 0.3


@pytest.fixture(params=[LocalExecutor], ids=["local"])
def executor(request: pytest.FixtureRequest) -> Executor:
    made: Executor = request.param(GRACE_S)
    return made


def job(folder: Path, source: str, timeout_s: float = 30, env: Mapping[str, str] | None = None) -> Job:
    argv = (sys.executable, "-S", "-E", "-c", source)
    return Job(argv, folder, env or {}, folder / "log.txt", timeout_s)


def run(executor: Executor, asked: Job) -> JobResult:
    return executor.run(asked, threading.Event())


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def gone(pid: int) -> bool:
    until = time.monotonic() + 2
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not alive(pid)


@pytest.mark.parametrize("code", [0, 3, 255])
def test_exit_code(executor: Executor, tmp_path: Path, code: int) -> None:
    result = run(executor, job(tmp_path, f"raise SystemExit({code})"))
    assert (result.code, result.timed_out, result.interrupted) == (code, False, False)


def test_signal_is_negative(executor: Executor, tmp_path: Path) -> None:
    assert run(executor, job(tmp_path, "import os; os.kill(os.getpid(), 9)")).code == -9


def test_sees_only_what_it_is_given(executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "tweet")
    source = (
        "import os, sys; print(sorted(os.environ), os.getcwd(), repr(sys.stdin.read()), os.getpgrp() == os.getpid())"
    )
    run(executor, job(tmp_path, source, env={"ONLY": "this", "LC_ALL": "C"}))
    assert (tmp_path / "log.txt").read_text() == f"['LC_ALL', 'ONLY'] {tmp_path} '' True\n"


def test_both_streams_are_logged_in_order(executor: Executor, tmp_path: Path) -> None:
    source = "import os; [os.write(1 + i % 2, b'%d ' % i) for i in range(100)]"
    run(executor, job(tmp_path, source))
    assert (tmp_path / "log.txt").read_text().split() == [str(i) for i in range(100)]


def test_no_shell(executor: Executor, tmp_path: Path) -> None:
    echoing = Job(("echo", "$HOME;", "`id`"), tmp_path, {"PATH": os.environ["PATH"]}, tmp_path / "log.txt", 10)
    assert run(executor, echoing).code == 0
    assert (tmp_path / "log.txt").read_text() == "$HOME; `id`\n"


def test_a_flood_neither_blocks_nor_fills_the_disk(executor: Executor, tmp_path: Path) -> None:
    source = "import os\nfor _ in range(4096): os.write(1, b'x' * 65536)\nos.write(1, b'the end')"
    assert run(executor, job(tmp_path, source)).code == 0
    log = (tmp_path / "log.txt").read_bytes()
    assert len(log) < (2 << 20) + 100
    assert log.endswith(b"the end")
    assert b"... %d bytes left out ..." % (4096 * 65536 + 7 - (2 << 20)) in log


def test_timeout_asks_first(executor: Executor, tmp_path: Path) -> None:
    source = """
import os, signal, time
signal.signal(15, lambda *_: (print("bye", flush=True), os._exit(4)))
time.sleep(30)
"""
    result = run(executor, job(tmp_path, source, timeout_s=0.5))
    assert (result.code, result.timed_out, result.interrupted) == (4, True, False)
    assert "bye" in (tmp_path / "log.txt").read_text()
    assert result.wall_s < 5


def test_timeout_then_insists(executor: Executor, tmp_path: Path) -> None:
    source = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(30)"
    result = run(executor, job(tmp_path, source, timeout_s=0.5))
    assert (result.code, result.timed_out) == (-9, True)
    assert 0.5 + GRACE_S <= result.wall_s < 5


def test_cancel(executor: Executor, tmp_path: Path) -> None:
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    result = executor.run(job(tmp_path, "import time; time.sleep(30)"), cancel)
    assert (result.code, result.timed_out, result.interrupted) == (-15, False, True)
    assert result.wall_s < 5


@pytest.mark.parametrize("silent", [False, True], ids=["holds the pipe", "closed the pipe"])
def test_cancel_of_one_that_does_not_listen_costs_nothing(executor: Executor, tmp_path: Path, silent: bool) -> None:
    cancel = threading.Event()
    cancel.set()
    closing = "os.close(1); os.close(2); " if silent else ""
    before = time.process_time()
    executor.run(
        job(tmp_path, f"import os, signal, time; {closing}signal.signal(15, signal.SIG_IGN); time.sleep(30)"), cancel
    )
    assert time.process_time() - before < 0.05


@pytest.mark.parametrize("ending", ["os._exit(0)", "time.sleep(30)"], ids=["ends", "times out"])
def test_grandchildren_of_the_group_are_killed(executor: Executor, tmp_path: Path, ending: str) -> None:
    source = f"""
import os, signal, time
if os.fork() == 0:
    signal.signal(15, signal.SIG_IGN)
    open("pid", "w").write(str(os.getpid()))
    time.sleep(60)
while not os.path.exists("pid") or not open("pid").read():
    time.sleep(0.01)
{ending}
"""
    result = run(executor, job(tmp_path, source, timeout_s=1))
    assert result.wall_s < 4
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_daemon_of_its_own_session_holds_nothing_up(executor: Executor, tmp_path: Path) -> None:
    source = """
import os, time
if os.fork() == 0:
    os.setsid()
    open("pid", "w").write(str(os.getpid()))
    time.sleep(5)
while not os.path.exists("pid") or not open("pid").read():
    time.sleep(0.01)
print("done")
"""
    result = run(executor, job(tmp_path, source))
    os.kill(int((tmp_path / "pid").read_text()), 9)
    assert result.code == 0
    assert result.wall_s < 3
    assert (tmp_path / "log.txt").read_text() == "done\n"


def test_costs(executor: Executor, tmp_path: Path) -> None:
    source = """
import os, time
if os.fork() == 0:
    while time.process_time() < 0.2: pass
    os._exit(0)
os.wait()
held = bytearray(1) * (300 << 20)
"""
    result = run(executor, job(tmp_path, source))
    assert 0.2 <= result.cpu_s < 5
    assert result.peak_memory_bytes > 300 << 20


def test_following_a_chatty_program_costs_little(executor: Executor, tmp_path: Path) -> None:
    source = "import os, time\nfor i in range(2000): os.write(1, b'line\\n'); time.sleep(0.0005)"
    before = time.process_time()
    run(executor, job(tmp_path, source))
    assert time.process_time() - before < 0.05


def test_not_there(executor: Executor, tmp_path: Path) -> None:
    asked = Job(("/no/such/program",), tmp_path, {}, tmp_path / "log.txt", 10)
    with pytest.raises(MlspecError) as failed:
        run(executor, asked)
    assert failed.value.problems[0].code == "executor/not-started"


def test_several_at_once(executor: Executor, tmp_path: Path) -> None:
    results: dict[int, JobResult] = {}

    def one(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        results[number] = run(
            executor, job(folder, f"import time; time.sleep(0.3); print({number}); raise SystemExit({number})")
        )

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: result.code for number, result in results.items()} == {number: number for number in range(6)}
    assert all((tmp_path / str(n) / "log.txt").read_text() == f"{n}\n" for n in range(6))


def test_leaves_no_descriptor_open(executor: Executor, tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        run(executor, job(tmp_path, "print(1)"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
