"""What a shell offers for an argument: addresses, models and stages as the specs write them, else files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from click import Context, Parameter
from click.shell_completion import CompletionItem

_FILES = [CompletionItem("", type="file")]


def addresses(ctx: Context, _param: Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the declared addresses; where one begins so, the models by their bare names."""
    known = _addresses(ctx)
    return _offer(known, incomplete) or _offer(_models(known), incomplete)


def addresses_or_files(ctx: Context, _param: Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the declared addresses, else files: a saved plan."""
    return addresses(ctx, _param, incomplete) or _FILES


def models(ctx: Context, _param: Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the declared models by name, or by address where that is begun."""
    known = [address for address in _addresses(ctx) if address.startswith("model/")]
    return _offer(_models(known), incomplete) or _offer(known, incomplete)


def stages(ctx: Context, _param: Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the stages of mlspec.yaml."""
    from mlspec.commands.offered import stages as offered

    return _offer(offered(_folder(ctx)), incomplete)


def files(_ctx: Context, _param: Parameter, _incomplete: str) -> list[CompletionItem]:
    """Let the shell offer files."""
    return _FILES


def _folder(ctx: Context) -> Path:
    """Return the folder to work in: while completing, no command has been called with it."""
    return Path(ctx.find_root().params.get("folder") or ".")


def _addresses(ctx: Context) -> list[str]:
    from mlspec.commands.offered import addresses as offered

    return offered(_folder(ctx))


def _models(known: Iterable[str]) -> list[str]:
    return [address.removeprefix("model/") for address in known if address.startswith("model/")]


def _offer(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]
