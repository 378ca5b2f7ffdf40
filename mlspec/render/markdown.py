"""Markdown for a comment on a forge: text of users as code that is nothing else, and a page that has a last line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlspec.render.text import neutralise

LIMIT = 65_536
"""What GitHub allows a comment in characters; held in bytes, which are never fewer."""
_LONGEST = 300
_PLAIN = " /,;-=+()"


def code(text: str) -> str:
    """Write text as one line of code in which nothing is Markdown, HTML, a mention, a link or a command of a runner."""
    cut = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    shown = neutralise(cut)
    return f"<code>{''.join(sign if _is_plain(sign) else f'&#{ord(sign)};' for sign in shown)}</code>"


def _is_plain(sign: str) -> bool:
    return sign.isalnum() or sign in _PLAIN or not sign.isascii()


def row(*cells: str) -> str:
    """Write a row of a table; the cells are Markdown of one line."""
    return f"| {' | '.join(cells)} |\n"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table."""
    return row(*titles) + row(*("---" for _ in titles)) + "".join(row(*cells) for cells in rows)


class Page:
    """Text that never becomes longer than a comment may be: what does not fit is not taken."""

    def __init__(self, end: str, limit: int = LIMIT, spare: int = 400) -> None:
        """Keep room for the end, and `spare` bytes for what must be said of what was left out."""
        self._parts: list[str] = []
        self._end, self._spare = end, spare
        self._left = limit - spare - len(end.encode())

    def take(self, text: str) -> bool:
        """Add text if there is room for all of it; say whether there was."""
        size = len(text.encode())
        if size > self._left:
            return False
        self._left -= size
        self._parts.append(text)
        return True

    def finish(self, last: str = "") -> str:
        """Return the page with a last sentence, of at most the spare bytes, and its end."""
        return "".join([*self._parts, last, self._end])
