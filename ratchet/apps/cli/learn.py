"""`ratchet data check --learn`: what ratchet.yaml would have to say, as a diff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import typer

from ratchet.apps.cli.console import complain, document, out, waiting
from ratchet.wiring import Wiring


def propose(place: str, names: Sequence[str], *, write: bool, as_json: bool) -> None:
    """Print the change, and make it where `write` says so; what it does not mend is told on standard error, and ends with 2."""
    from ratchet.sources.learn.project_file import learn, written  # noqa: PLC0415 - reads tables, as other commands do not

    wiring = Wiring.load()
    path, source, found = wiring.settings.project, wiring.source(place), {}
    for name in names:
        with waiting(f"checking {name}"):
            found[name] = source.check(name)
    learnt = learn(path, wiring.project, [problem for problems in found.values() for problem in problems])
    changed, left = replace(wiring, project=learnt.project).source(place), dict[str, list[str]]()
    for name in [name for name in names if found[name]]:
        with waiting(f"checking {name} again"):
            left[name] = [problem.sentence(wiring.project.entity) for problem in changed.check(name)]
    if as_json:
        document({"difference": learnt.difference, "left": left})
    else:
        out.file.write(learnt.difference)
        for name, sentences in left.items():
            for sentence in sentences:
                complain(f"{name}: not mended: {sentence}")
    if write and learnt.difference:
        written(path, learnt)
        complain(f"{path} is changed")
    if any(left.values()):
        raise typer.Exit(2)
