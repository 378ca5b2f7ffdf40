"""GitPython, or the word that git is not installed: it looks for git as soon as it is imported."""

from mlspec.core.problem import fail

try:
    from git import Repo
    from git.cmd import Git
    from git.exc import InvalidGitRepositoryError, NoSuchPathError
except ImportError as error:
    raise fail("git/not-installed", "git is not installed or not on PATH", help="install git 2.36 or newer") from error

__all__ = ["Git", "InvalidGitRepositoryError", "NoSuchPathError", "Repo"]
