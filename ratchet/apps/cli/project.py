"""`ratchet init`: a project file from data; `ratchet validate`: whether one can be read."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ratchet.apps.cli.console import line, table, waiting
from ratchet.core.errors import UserError

if TYPE_CHECKING:
    from ratchet.sources.guess.text import Part
    from ratchet.sources.guess.whole import Described, Doubt

_ROWS = 60  # of a table on the screen; the file has all
_ASKED = 12  # questions, more than which nobody reads


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
    label: Annotated[str | None, typer.Option(help="The label's column (or TABLE.COLUMN), where it cannot be guessed.")] = None,
    positive: Annotated[str | None, typer.Option(help="The label's value that counts as 1, where it cannot be guessed.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("ratchet.yaml"),
    replace: Annotated[bool, typer.Option(help="Overwrite the file.")] = False,  # noqa: FBT002
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing, as without a terminal.")] = False,  # noqa: FBT002
) -> None:
    """Write a commented ratchet.yaml, guessing types, ranges and categories from the data, and say what was guessed and why."""
    from ratchet.sources.guess.project import guess  # noqa: PLC0415 - pandas takes a second, and other commands do without

    if output.exists() and not replace:
        message = f"{output} exists: name another file by --output, or overwrite it by --replace"
        raise UserError(message)
    with waiting(f"reading {folder}"):
        found = guess(folder, entity=entity, label=label, positive=positive)
    asks = not yes and at_a_terminal()
    if asks and found.doubts:
        found = found.settled(_answers(found.doubts))
    _show(found)
    if asks and not typer.confirm(f"Write {output}?", default=True):
        message = f"{output} is not written; --entity, --label and --positive say what was guessed wrong"
        raise UserError(message)
    try:
        output.write_text(found.text, encoding="utf-8")
    except OSError as error:
        message = f"{output} cannot be written: {error.strerror}"
        raise UserError(message) from error
    line(f"holdout: share {found.held.share}: {found.held.why}")
    if found.held.lowered:
        minima = f"min_rows {found.held.min_rows}, min_per_class {found.held.min_per_class}"
        line(f"policy.gate: {minima}: {found.held.lowered}")
    line(f"wrote {output}: read it, mend what was guessed wrong, then `ratchet data check {found.place} {found.snapshot}`")


def at_a_terminal() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _answers(doubts: Sequence[Doubt]) -> dict[str, bool]:
    """What a person says of the first doubtful columns; the others stay as they were guessed."""
    answers = {}
    for doubt in doubts[:_ASKED]:
        line(f"{doubt.place}: {doubt.why}")
        question = "  take it as a feature?" if doubt.taken else "  take it as a feature all the same?"
        answers[doubt.place] = typer.confirm(question, default=doubt.taken)
    return answers


def _show(found: Described) -> None:
    """What was taken as what and why, what was left out and why, and what to look at."""
    taken = [part for part in found.parts if part.taken_as]
    left = [part for part in found.parts if not part.taken_as]
    rows = [
        (part.place, _renamed(part), part.taken_as, f"{part.why} (look at it)" if part.doubtful else part.why) for part in taken
    ]
    table("taken", ["column", "called", "as", "why"], rows[:_ROWS])
    if len(rows) > _ROWS:
        line(f"and {len(rows) - _ROWS} more columns, all in the file")
    if left:
        table("left out", ["column", "why"], [(part.place, part.why) for part in left[:_ROWS]])
    if len(left) > _ROWS:
        line(f"and {len(left) - _ROWS} more left out, all in the file with their reasons")
    for note in found.notes:
        line(note)


def _renamed(part: Part) -> str:
    """Our name, where it is not the header."""
    return "" if part.place.endswith(f".{part.name}") else part.name
