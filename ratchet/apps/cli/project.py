"""`ratchet init`: a project file from data; `ratchet validate`: whether one can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ratchet.apps.cli.console import line, waiting
from ratchet.core.errors import UserError


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog="Example: ratchet init data/mine --entity customer_id --label churned")(init)
    app.command(epilog="Example: ratchet --project new.yaml validate")(validate)


def validate() -> None:
    """Read ratchet.yaml and say the first thing that is wrong with it; nothing is stored, no server is asked."""
    from ratchet.wiring import Wiring  # noqa: PLC0415 - it knows every estimator and task, and `init` does without

    wiring = Wiring.checked()
    project = wiring.project
    what = f"model {project.model}, {len(project.inputs)} features, approval {project.policy.approval}"
    line(f"{wiring.settings.project}: {what}: fine")


def init(
    folder: Annotated[Path, typer.Argument(help="Folder of tables, or of folders of tables, one a snapshot.")],
    entity: Annotated[str | None, typer.Option(help="The entity key's column, where it cannot be guessed.")] = None,
    label: Annotated[str | None, typer.Option(help="The label's column, where it cannot be guessed.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("ratchet.yaml"),
    replace: Annotated[bool, typer.Option(help="Overwrite the file.")] = False,  # noqa: FBT002
) -> None:
    """Write a commented ratchet.yaml, guessing types, ranges and categories from the data."""
    from ratchet.sources.guess.project import guess  # noqa: PLC0415 - pandas takes a second, and other commands do without

    if output.exists() and not replace:
        message = f"{output} exists: name another file by --output, or overwrite it by --replace"
        raise UserError(message)
    with waiting(f"reading {folder}"):
        found = guess(folder, entity=entity, label=label)
    try:
        output.write_text(found.text, encoding="utf-8")
    except OSError as error:
        message = f"{output} cannot be written: {error.strerror}"
        raise UserError(message) from error
    line(f"holdout: share {found.held.share}: {found.held.why}")
    if found.held.lowered:
        minima = f"min_rows {found.held.min_rows}, min_per_class {found.held.min_per_class}"
        line(f"policy.gate: {minima}: {found.held.lowered}")
    line(f"wrote {output}: read it, mend what was guessed wrong, then `ratchet data check {folder} SNAPSHOT`")
