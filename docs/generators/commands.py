"""The page of the command line: each command's own help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from ratchet.apps.cli.main import app

_WIDTH = 100


def page() -> str:
    """Markdown: a section a command, in the order of `ratchet --help`."""
    sections = [f"## {name}\n\n```text\n{text}\n```\n" for name, text in helps()]
    return "\n".join(["# Commands\n", "As `ratchet COMMAND --help` prints them.\n", *sections])


def helps() -> Iterator[tuple[str, str]]:
    """`ratchet data generate` and its help, of each command."""
    for path, context in _contexts(typer.main.get_command(app), ("ratchet",), None):
        yield " ".join(path), context.get_help()


def options() -> dict[str, set[str]]:
    """The options of each command, by its whole name; those of the commands above it count too."""
    known: dict[str, set[str]] = {}
    for path, context in _contexts(typer.main.get_command(app), ("ratchet",), None):
        own = {
            option for parameter in context.command.get_params(context) for option in (*parameter.opts, *parameter.secondary_opts)
        }
        known[" ".join(path)] = own | known.get(" ".join(path[:-1]), set())
    return known


def _contexts(command: Any, path: tuple[str, ...], above: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Typer brings a click of its own, which has no types."""
    with command.make_context(path[-1], [], parent=above, resilient_parsing=True, terminal_width=_WIDTH) as context:
        yield path, context
        for name, inner in getattr(command, "commands", {}).items():
            yield from _contexts(inner, (*path, name), context)
