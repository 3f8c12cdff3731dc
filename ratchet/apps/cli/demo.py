"""`ratchet demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ratchet.apps.demo import program as story


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog="Examples: ratchet demo; ratchet demo --data data/streamflow")(demo)


def demo(
    data: Annotated[Path | None, typer.Option(help="Folder of snapshots to tell the story on; default: generated months.")] = None,
    folder: Annotated[Path, typer.Option(help="Folder for all that the demo makes; an earlier demo's is emptied.")] = Path(".demo"),
) -> None:
    """Show the loop: a first champion, a quiet month, a drifted month, and the way back."""
    story.tell(data, folder)
