"""`ratchet init`: a project file from data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ratchet.apps.cli.console import line, waiting
from ratchet.core.errors import UserError


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog="Example: ratchet init data/mine --entity customer_id --label churned")(init)


def init(
    folder: Annotated[Path, typer.Argument(help="Folder of tables, or of folders of tables, one a snapshot.")],
    entity: Annotated[str | None, typer.Option(help="The entity key's column, where it cannot be guessed.")] = None,
    label: Annotated[str | None, typer.Option(help="The label's column, where it cannot be guessed.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("ratchet.yaml"),
    replace: Annotated[bool, typer.Option(help="Overwrite the file.")] = False,  # noqa: FBT002
) -> None:
    """Write a commented ratchet.yaml, guessing types, ranges and categories from the data."""
    from ratchet.sources.guess.project import describe  # noqa: PLC0415 - pandas takes a second, and other commands do without

    if output.exists() and not replace:
        message = f"{output} exists: name another file by --output, or overwrite it by --replace"
        raise UserError(message)
    with waiting(f"reading {folder}"):
        text = describe(folder, entity=entity, label=label)
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{output} cannot be written: {error.strerror}"
        raise UserError(message) from error
    line(f"wrote {output}: read it, mend what was guessed wrong, then `ratchet data check {folder} SNAPSHOT`")
