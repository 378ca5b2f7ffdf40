"""An editor: the real yaml-language-server over stdio, told what a user types."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VERSION = "1.25.0"
WITHOUT_SERVER = (
    "needs Node.js and yaml-language-server: "
    f"npm install --no-package-lock --prefix .tools yaml-language-server@{VERSION}"
)
PATIENCE_S = 60.0
Message = dict[str, Any]


def server() -> str | None:
    """Return the program, or None where it is not installed."""
    own = ROOT / ".tools" / "node_modules" / ".bin" / "yaml-language-server"
    found = shutil.which("yaml-language-server", path=f"{own.parent}{os.pathsep}{os.environ.get('PATH', '')}")
    return found if shutil.which("node") else None


@dataclass
class Editor:
    """One server that runs in the folder of a project; a context, so that it ends with the test."""

    root: Path
    _asked: int = 0
    _versions: dict[Path, int] = field(default_factory=dict)

    def __enter__(self) -> Editor:
        program = server()
        assert program is not None, WITHOUT_SERVER
        self._server = subprocess.Popen([program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._alarm = threading.Timer(PATIENCE_S, self._server.kill)
        self._alarm.start()
        abilities = {"textDocument": {"completion": {}, "hover": {}}, "workspace": {"configuration": True}}
        self.ask("initialize", processId=None, rootUri=self.root.as_uri(), capabilities=abilities)
        self._send({"method": "initialized", "params": {}})
        return self

    def __exit__(self, *_: object) -> None:
        self._alarm.cancel()
        self._server.kill()
        self._server.communicate()

    def type(self, path: Path, text: str) -> list[str]:
        """Open a file with a text, or change it to one; return what is wrong with it, as `line: message`."""
        self._versions[path] = version = self._versions.get(path, 0) + 1
        about = {"uri": path.as_uri(), "version": version}
        if version == 1:
            self._tell("textDocument/didOpen", textDocument={**about, "languageId": "yaml", "text": text})
        else:
            self._tell("textDocument/didChange", textDocument=about, contentChanges=[{"text": text}])
        told = self._await(lambda said: said.get("method") == "textDocument/publishDiagnostics")["params"]
        return [f"{one['range']['start']['line'] + 1}: {one['message']}" for one in told["diagnostics"]]

    def complete(self, path: Path, line: int, column: int) -> list[str]:
        """Return what may be typed at a place, counted from 1."""
        found = self._at("textDocument/completion", path, line, column)
        return [item["label"] for item in (found or {}).get("items", [])]

    def hover(self, path: Path, line: int, column: int) -> str:
        """Return what is shown of a place, counted from 1."""
        found = self._at("textDocument/hover", path, line, column)
        return str(found["contents"]["value"]) if found else ""

    def ask(self, method: str, **params: Any) -> Any:
        """Send a request and return the result."""
        self._asked += 1
        asked = self._asked
        self._send({"id": asked, "method": method, "params": params})
        return self._await(lambda said: said.get("id") == asked and "method" not in said)["result"]

    def _at(self, method: str, path: Path, line: int, column: int) -> Any:
        position = {"line": line - 1, "character": column - 1}
        return self.ask(method, textDocument={"uri": path.as_uri()}, position=position)

    def _tell(self, method: str, **params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._server.stdin is not None
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._server.stdin.flush()

    def _await(self, is_wanted: Callable[[Message], bool]) -> Message:
        """Read messages until the wanted one, answering what the server asks for meanwhile."""
        while True:
            said = self._read()
            if "method" in said and "id" in said:
                asked = said["params"].get("items") if said["method"] == "workspace/configuration" else None
                self._send({"id": said["id"], "result": [None] * len(asked) if asked else None})
            if is_wanted(said):
                return said

    def _read(self) -> Message:
        assert self._server.stdout is not None
        size = 0
        while header := self._server.stdout.readline().strip():
            name, _, value = header.partition(b":")
            size = int(value) if name.lower() == b"content-length" else size
        assert size, f"the language server ended or said nothing for {PATIENCE_S:.0f} s"
        message: Message = json.loads(self._server.stdout.read(size))
        return message
