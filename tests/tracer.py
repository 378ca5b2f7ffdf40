"""Runs a command, and at one system call that changes files kills all of it, or lets that call fail.

    python tests/tracer.py OUT [--at N|[NAME ]PATH --do kill|ERRNO] -- COMMAND ARGUMENT…
    python tests/tracer.py OUT --at N,N,… --copy FOLDER --to FOLDER -- COMMAND ARGUMENT…

The second form kills nobody: before each of the calls it copies a folder, as a kill there would have left it.

Calls are counted over all processes and threads of the command, in the order in which the kernel sees them: so each is
reached, also those of git and of a training. `strace --inject` counts for each thread by itself, and kills one process
where a machine that stops kills all. OUT gets a JSON line for each call. Needs Linux on x86-64, and nothing else.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import re
import shutil
import signal
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

WORKS = sys.platform == "linux" and platform.machine() == "x86_64"
_CALLS = {
    1: "write",
    18: "pwrite64",
    20: "writev",
    40: "sendfile",
    326: "copy_file_range",
    74: "fsync",
    75: "fdatasync",
    76: "truncate",
    77: "ftruncate",
    2: "open",
    85: "creat",
    257: "openat",
    82: "rename",
    264: "renameat",
    316: "renameat2",
    86: "link",
    265: "linkat",
    88: "symlink",
    266: "symlinkat",
    87: "unlink",
    263: "unlinkat",
    83: "mkdir",
    258: "mkdirat",
    84: "rmdir",
    90: "chmod",
    91: "fchmod",
    268: "fchmodat",
    280: "utimensat",
}
_OPENS = {"open", "openat"}
_NAMES_ONE = {"truncate", "creat", "unlink", "mkdir", "rmdir", "chmod"}
_NAMES_TWO = {"rename", "link", "symlink"}
_AT_ONE = {"unlinkat", "mkdirat", "fchmodat", "utimensat"}
_AT_TWO = {"renameat", "renameat2", "linkat"}
_TRACEME, _CONT, _GETREGS, _SETREGS, _SETOPTIONS = 0, 7, 12, 13, 0x4200
_FORK, _VFORK, _CLONE, _EXEC, _SECCOMP = 1, 2, 3, 4, 7
_OPTIONS = sum(1 << event for event in (_FORK, _VFORK, _CLONE, _EXEC, _SECCOMP)) | 1 << 20  # EXITKILL
_RAX, _ORIG_RAX, _RDI, _RSI, _RDX, _R10 = 10, 15, 14, 13, 12, 7
_NO_FILE = re.compile(r"/(proc|sys|dev/(?!shm/))")
_AT_FDCWD, _WALL = 0xFFFFFF9C, 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


@dataclass(frozen=True, slots=True)
class Call:
    """One call that changes files: who makes it, and the paths it is about."""

    n: int
    role: str
    name: str
    paths: tuple[str, ...]
    pid: int = 0


@dataclass
class Tracer:
    """Follows a command. `meet` says what becomes of a call: None (it goes on), `kill`, or the name of an error."""

    meet: Callable[[Call], str | None]
    count: int = 0
    known: set[int] = field(default_factory=set)

    def run(self, argv: Sequence[str]) -> int:
        """Run a command to its end, and return its exit code, negative where a signal ended it."""
        first = _start(argv)
        self.known.add(first)
        code = 0
        while True:
            try:
                pid, status = os.waitpid(-1, _WALL)
            except ChildProcessError:
                return code
            if not os.WIFSTOPPED(status):
                code = os.waitstatus_to_exitcode(status) if pid == first else code
                self.known.discard(pid)
            else:
                self._resume(pid, os.WSTOPSIG(status), status >> 16)

    def _resume(self, pid: int, number: int, event: int) -> None:
        if event == _SECCOMP:
            self._meet(pid)
        is_new = pid not in self.known
        self.known.add(pid)
        passed = 0 if event or (is_new and number == signal.SIGSTOP) else number
        _libc.ptrace(_CONT, pid, None, passed)

    def _meet(self, pid: int) -> None:
        registers = (ctypes.c_ulonglong * 27)()
        if _libc.ptrace(_GETREGS, pid, None, ctypes.byref(registers)) != 0:
            return
        call = _call(pid, registers, self.count + 1)
        if call is None:
            return
        self.count += 1
        match self.meet(call):
            case None:
                return
            case "kill":
                for tracee in self.known:
                    _quietly_kill(tracee)
            case number:
                registers[_ORIG_RAX] = ctypes.c_ulonglong(-1).value
                registers[_RAX] = ctypes.c_ulonglong(-getattr(errno, number)).value
                _libc.ptrace(_SETREGS, pid, None, ctypes.byref(registers))


def _quietly_kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _start(argv: Sequence[str]) -> int:
    pid = os.fork()
    if pid == 0:
        _libc.ptrace(_TRACEME, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        _watch_calls()
        os.execvp(argv[0], argv)
    os.waitpid(pid, 0)
    _libc.ptrace(_SETOPTIONS, pid, None, _OPTIONS)
    _libc.ptrace(_CONT, pid, None, 0)
    return pid


def _watch_calls() -> None:
    """Have the kernel stop this process, and all that come of it, at the calls above; `openat` only where it writes."""
    rules = [_rule(0x20, 0)]  # load the number of the call
    for number in _CALLS:
        if number in (2, 257):
            flags = 16 + 8 * (1 if number == 2 else 2)
            writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
            rules += [_rule(0x15, number, 0, 4), _rule(0x20, flags), _rule(0x45, writing, 0, 1)]
            rules += [_rule(0x06, 0x7FF00000), _rule(0x06, 0x7FFF0000)]
        else:
            rules += [_rule(0x15, number, 0, 1), _rule(0x06, 0x7FF00000)]
    rules.append(_rule(0x06, 0x7FFF0000))
    code = ctypes.create_string_buffer(b"".join(rules))
    program = struct.pack("HxxxxxxP", len(rules), ctypes.addressof(code))
    _libc.prctl(38, 1, 0, 0, 0)  # NO_NEW_PRIVS
    if _libc.prctl(22, 2, program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def _rule(code: int, k: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, k)


def _call(pid: int, registers: ctypes.Array[ctypes.c_ulonglong], n: int) -> Call | None:
    """Say what a call is about; None where it changes no file that has a name."""
    name = _CALLS[registers[_ORIG_RAX]]
    one, two, three, four = (registers[i] for i in (_RDI, _RSI, _RDX, _R10))
    try:
        if name in _OPENS:
            path, flags = (_path(pid, _AT_FDCWD, one), two) if name == "open" else (_path(pid, one, two), three)
            name, paths = ("truncate" if os.path.lexists(path) else "create"), [path]
            if name == "truncate" and not flags & os.O_TRUNC:
                return None
        elif name in _NAMES_ONE:
            paths = [_path(pid, _AT_FDCWD, one)]
        elif name in _NAMES_TWO:
            paths = [_path(pid, _AT_FDCWD, one), _path(pid, _AT_FDCWD, two)]
        elif name in _AT_ONE and two:
            paths = [_path(pid, one, two)]
        elif name in _AT_TWO:
            paths = [_path(pid, one, two), _path(pid, three, four)]
        elif name == "symlinkat":
            paths = [_path(pid, two, three)]
        else:
            paths = [os.readlink(f"/proc/{pid}/fd/{three if name == 'copy_file_range' else one}")]
    except OSError:
        return None
    if not all(path.startswith("/") for path in paths) or _NO_FILE.match(paths[0]):
        return None
    if any(path.endswith(" (deleted)") for path in paths):
        return None
    if _makes_nothing(name, paths):
        return None
    return Call(n, _role(pid), name, tuple(paths), pid)


def _makes_nothing(name: str, paths: Sequence[str]) -> bool:
    """Say whether a call is about to fail, as many do that only look whether a folder or a lock is there."""
    if name.startswith(("mkdir", "link", "symlink")):
        return os.path.lexists(paths[-1])
    return name.startswith(("unlink", "rmdir", "rename")) and not os.path.lexists(paths[0])


def _path(pid: int, folder: int, address: int) -> str:
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        memory.seek(address)
        page = 4096 - address % 4096
        text = memory.read(page)
        if b"\0" not in text:
            text += memory.read(4096)
    name = os.fsdecode(text.partition(b"\0")[0])
    base = f"/proc/{pid}/cwd" if folder & 0xFFFFFFFF == _AT_FDCWD else f"/proc/{pid}/fd/{folder}"
    return os.path.normpath(os.path.join(os.readlink(base), name))


def _role(pid: int) -> str:
    """Say who a process is: git with its command, the child that runs the user's code, or mlspec itself."""
    argv = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    if Path(argv[0]).name.startswith("git"):
        words, rest = [], argv[1:]
        while rest:
            word = rest.pop(0)
            if word == "-c":
                rest.pop(0)
            elif not word.startswith("-"):
                words.append(word)
                break
        return " ".join([Path(argv[0]).name, *words])
    return "child" if "mlspec.commands.child" in argv else "mlspec"


def is_at(call: Call, at: str) -> bool:
    """Say whether a call is one that is meant: by its number, or by its name (or none) and a part of its path."""
    *names, part = at.split(" ")
    by_path = part in call.paths[-1] and call.name in (names or [call.name])
    return str(call.n) in at.split(",") if at[0].isdecimal() else by_path


def main(argv: Sequence[str]) -> int:
    """Trace a command; return its exit code."""
    split = argv.index("--")
    out, options, command = argv[0], argv[1:split], argv[split + 1 :]
    chosen = dict(zip(options[::2], options[1::2], strict=True))
    at, deed = chosen.get("--at", "0"), chosen.get("--do", "kill")
    met = 0
    with open(out, "w", encoding="utf-8") as lines:

        def meet(call: Call) -> str | None:
            nonlocal met
            lines.write(json.dumps(asdict(call)) + "\n")
            lines.flush()
            if not is_at(call, at):
                return None
            met += 1
            if "--copy" in chosen:
                shutil.copytree(chosen["--copy"], Path(chosen["--to"], str(call.n)), symlinks=True)
                return None
            return deed if met == 1 else None

        code = Tracer(meet).run(command)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
