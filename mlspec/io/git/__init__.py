"""The door to git: GitPython finds the repository and runs git with hardened options, argv lists only."""

from mlspec.io.git.opening import open_apart, open_repository
from mlspec.io.git.repository import Repository
from mlspec.io.git.secrecy import hidden
from mlspec.io.git.values import Checkout, RemoteConfig, Said

__all__ = ["Checkout", "RemoteConfig", "Repository", "Said", "hidden", "open_apart", "open_repository"]
