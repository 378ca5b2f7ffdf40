"""Texts that look like secrets: found without being printed, and masked where a source line is shown."""

from __future__ import annotations

import re

# Looked for first, as plain text, because that costs a few microseconds a document and the patterns do not.
_MARKS = (
    *("AKIA", "ASIA", "PRIVATE KEY", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AIza"),
    *("sk-", "sk_live_", "rk_live_", "hf_", "dapi", "npm_", "pypi-", "eyJ", "://"),
)
_LITERAL = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Z])"
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|AIza[0-9A-Za-z_-]{35}"
    r"|sk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}|[sr]k_live_[A-Za-z0-9]{16,}"
    r"|hf_[A-Za-z0-9]{30,}|dapi[0-9a-f]{32}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*)?"
    r")|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*"
    r"|(?<=://)[^\s/:@\"']{0,100}:[^\s/@\"']{1,200}(?=@)"
)
_KEYS = ("password", "passwd", "secret", "api_key", "apikey", "access_key", "private_key", "credential", "token")
_WORD = r"password|passwd|secret|secret_key|api_?key|access_?key|private_?key|credentials?|token"
_SECRET_KEY = re.compile(rf"(?:^|[_.-])(?:{_WORD})$", re.IGNORECASE)
_ASSIGNED = re.compile(rf"((?:{_WORD})[\"']?\s{{0,8}}[=:]\s{{0,8}}[\"']?)([^\s\"',\]}}]{{6,}})", re.IGNORECASE)
_KEY_BODY = re.compile(r"[A-Za-z0-9+/]{60,}={0,2}")
_REFERENCE = re.compile(r"\$\{.*|\{\{.*|\$[A-Z_]+")


def may_hold_secret(text: str) -> bool:
    """Say quickly whether a text (a whole document) deserves a closer look."""
    lowered = text.lower()
    return any(mark in text for mark in _MARKS) or any(key in lowered for key in _KEYS)


def is_secret(text: str) -> bool:
    """Say whether a text holds a literal of a well-known form: a key, a token, a private key, a password in a URL."""
    return any(mark in text for mark in _MARKS) and _LITERAL.search(text) is not None


def is_secret_under(key: str, text: str) -> bool:
    """Say whether a text is a secret by the name of its field, as in `password: hunter2`.

    A reference such as `${TOKEN}` is none; a token must look random, since `pad_token: <pad>` is a word.
    """
    if _SECRET_KEY.search(key) is None or len(text) < 6 or " " in text or _REFERENCE.fullmatch(text):
        return False
    random = any(character.isdigit() for character in text) and any(character.isalpha() for character in text)
    return (random and len(text) >= 16) if key.lower().endswith("token") else True


def mask(line: str) -> str:
    """Return a source line with every secret-looking part replaced by stars of the same length."""
    line = _LITERAL.sub(_stars, line)
    line = _ASSIGNED.sub(lambda match: match[1] + "*" * len(match[2]), line)
    return _KEY_BODY.sub(_stars, line)


def _stars(match: re.Match[str]) -> str:
    return "*" * len(match[0])
