"""Being interrupted while something runs that must be ended in order."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mlspec.cli.main import STOPS


@contextmanager
def stoppable(cancel: threading.Event) -> Iterator[None]:
    """First SIGINT, SIGTERM or SIGHUP: stop starting, end what runs, record. Second: at once. One ignored stays so.

    Afterwards, when all is recorded and only output is left, the first means at once.
    """
    is_over = False

    def stop(_: int, __: FrameType | None) -> None:
        if cancel.is_set() or is_over:
            os._exit(130)
        cancel.set()

    for number in STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        is_over = True
