"""Which paths a spec may name: relative, inside the repository, portable."""

from __future__ import annotations

_RESERVED = {"con", "prn", "aux", "nul", *(f"{stem}{n}" for stem in ("com", "lpt") for n in range(1, 10))}
_MAX_LENGTH = 255


def check_path(text: str) -> str:
    """Return the path if it is a portable, relative path with forward slashes that stays inside the repository.

    Raises:
        ValueError: with the reason, in words.
    """
    if not text or len(text) > _MAX_LENGTH:
        raise ValueError(f"must be a path of 1 to {_MAX_LENGTH} characters")
    if "\\" in text:
        raise ValueError("must use forward slashes")
    if text.startswith(("/", "~")) or text[1:2] == ":":
        raise ValueError("must be relative to the repository, not absolute")
    for part in text.split("/"):
        _check_part(part)
    return text


def check_outside_path(text: str) -> str:
    """Return the path if it is absolute and says plainly where: the folder of a store that machines share.

    Raises:
        ValueError: with the reason, in words.
    """
    parts = text.split("/")[1:]
    if not text.startswith("/") or len(text) > _MAX_LENGTH or {"", ".", ".."} & set(parts) or "\0" in text:
        raise ValueError("must be an absolute path without empty, `.` or `..` parts")
    if any(part.casefold() == ".git" for part in parts):
        raise ValueError("must not reach into git's own files")
    return text


def _check_part(part: str) -> None:
    if part in ("", "."):
        raise ValueError("must not hold empty or `.` parts")
    if part == "..":
        raise ValueError("must stay inside the repository: `..` is not allowed")
    if part.casefold().startswith((".git", "git~")):
        raise ValueError("must not reach into git's own files")
    if part != part.strip() or part.endswith("."):
        raise ValueError("must not have parts that start or end with a space, or end with a dot")
    if part.partition(".")[0].casefold() in _RESERVED:
        raise ValueError(f"`{part}` is a reserved name on some systems")
    if any(ord(character) < 32 for character in part):
        raise ValueError("must not hold control characters")
    if any("\ud800" <= character <= "\udfff" for character in part):
        raise ValueError("must be UTF-8")


def check_data_path(text: str) -> str:
    """Check a path that is read: as `check_path`, and outside mlspec's own folder.

    Raises:
        ValueError: with the reason, in words.
    """
    check_path(text)
    if text.split("/", maxsplit=1)[0] == ".mlspec":
        raise ValueError("must not lie in .mlspec/, which is mlspec's own")
    return text
