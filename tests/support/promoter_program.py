"""What a promoter's process does, on the real composition root: it can be asked to kill itself just before an effect.

Run by tests/support/promoters.py in children of a fork server that has imported MLflow once.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from components.shell import step
from ratchet.promotion.production import Production
from ratchet.rollout.port import Rollout
from ratchet.settings import Settings
from ratchet.tasks.binary.task import BINARY
from ratchet.wiring import Wiring
from tests.support.doomed import doomed


def rollout_of(settings: Settings, entity: str) -> Rollout:
    """The real rollout, whose processes find their models and features as tests/support/fake_wiring.py keeps them."""
    from ratchet.rollout.processes import ProcessRollout  # noqa: PLC0415 - as in ratchet/wiring.py
    from tests.support.serving_program import PROGRAM  # noqa: PLC0415 - as above

    return ProcessRollout(settings, entity, BINARY.score_in, (*PROGRAM, "gateway"), (*PROGRAM, "check"))


def production_of(wiring: Wiring) -> Production:
    """The wiring's ports with that rollout."""
    return replace(wiring.production, rollout=rollout_of(wiring.settings, wiring.project.entity))


def promote(candidate: int, die_before: str) -> None:
    """As components/promote/component.py."""
    from ratchet.steps import promote as use_case  # noqa: PLC0415 - the component imports it in its body, too

    with step("promote") as wiring:
        use_case.run(wiring.project, doomed(production_of(wiring), die_before), candidate)


def mend(die_before: str) -> None:
    """As `ratchet reconcile`."""
    from ratchet.promotion.reconcile import reconcile  # noqa: PLC0415 - as above

    with step("reconcile") as wiring:
        for sentence in reconcile(doomed(production_of(wiring), die_before)):
            wiring.production.say(sentence)


def act(environment: Mapping[str, str], log: Path, what: Callable[..., None], arguments: tuple[object, ...]) -> None:
    """Entry point of a child: take the environment, speak into `log`, do `what(*arguments)`."""
    os.environ.update(environment)
    tempfile.tempdir = str(log.parent)  # what a killed process leaves goes with the test's folder
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    what(*arguments)
