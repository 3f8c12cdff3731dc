"""What every stage of a plan is."""

from __future__ import annotations

from typing import ClassVar

from ratchet.promotion.underway import Underway


class Stage:
    """One step of a plan: at most one change, and what has to come true before the next stage begins.

    A stage keeps nothing of its own: a promoter that died is followed by another process, which does the stages from the first on
    or undoes those that may have been done. So `do` and `undo` come to the same when they are called twice, and `undo` also when
    `do` never was. Each write goes through `Underway.write`.
    """

    name: ClassVar[str]
    no_return: ClassVar[bool] = False
    """From this stage on the move is finished, not undone."""

    @property
    def changes(self) -> bool:
        """Whether it changes something. The move's intent is on record before the first stage that does."""
        return type(self).do is not Stage.do

    def do(self, under: Underway) -> None:
        """Make the change, whole or not at all. Raises RatchetError when it was not made or nobody can tell."""

    def wait(self, under: Underway) -> None:
        """Wait for what has to come of it, and look whether it did. Raises RatchetError when not: this stage is undone, too."""

    def undo(self, under: Underway) -> None:
        """Take the change back and wait until that is so. Raises RatchetError when it is not."""
