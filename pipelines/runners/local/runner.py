"""Run the pipeline here by kfp.local. What it prints is kept as the run's log and read for progress and outcome."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from pipelines.runners.events import Event, Run, failure, plain, step_line
from pipelines.runners.local.run_log import end_of, outlived, place_of
from ratchet.clients.children import environment
from ratchet.core.errors import Unavailable
from ratchet.private_names import KFP_ENDED, KFP_STARTED
from ratchet.settings import Settings


def task_environment(settings: Settings) -> dict[str, str]:
    """`environment`, for processes that run tasks: libraries' warnings are for us, and the log is followed line by line.

    kfp.local starts tasks by `python -m`, which would look for our packages in the user's folder first: PYTHONSAFEPATH forbids it.
    """
    return {**environment(settings), "PYTHONWARNINGS": "ignore", "PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"}


def run_local(settings: Settings, arguments: Mapping[str, Any], run_id: str, on_event: Callable[[Event], None]) -> Run:
    """Run the pipeline by kfp.local's SubprocessRunner and wait for it. Interrupted, it ends the task that runs before it returns.

    Args:
        settings: handed on to every task.
        arguments: the pipeline's parameters.
        run_id: names the run's folder, which keeps log and artifacts.
        on_event: called for every task's start and end and for every line of a step.

    Raises:
        Unavailable: the run's folder cannot be written.
    """
    folder = settings.runs / run_id
    log = folder / "log.txt"
    run = Run(run_id, place_of(settings, log))
    command = [sys.executable, "-P", "-m", "pipelines.runners.local.program", str(folder), json.dumps(arguments)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # kfp.local leaves a folder a task in the temporary one, and so does what a task's killed child had there
        with (
            log.open("w", encoding="utf-8") as file,
            TemporaryDirectory(prefix="ratchet-run-", ignore_cleanup_errors=True) as scratch,
        ):
            env = {**task_environment(settings), "RATCHET_RUN_ID": run_id, "TMPDIR": scratch}
            code = _follow(command, env, file, run, on_event)
    except OSError as error:
        message = f"the run's folder {folder} cannot be written: {error.strerror}"
        raise Unavailable(message) from error
    if code:
        run.error = failure(run.lines, f"the run ended unexpectedly; its log is {run.log}")
        if outlived():
            on_event(Event("log", end_of(log)))
    return run


def _follow(command: Sequence[str], env: Mapping[str, str], log: TextIO, run: Run, on_event: Callable[[Event], None]) -> int:
    """Read the child's output to its end; its exit code.

    The child has a session of its own, so that Ctrl-C reaches it by one way only: its standard input ends, now or when this process
    is killed, and it interrupts its tasks. It must be gone before this returns: a task that goes on unseen could still promote.
    """
    with subprocess.Popen(  # noqa: S603 - our own module with JSON as its argument
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
        env=env,
        start_new_session=True,
    ) as process:
        try:
            for line in process.stdout or ():
                log.write(line)
                for event in _events(line):
                    on_event(event)
                    if event.kind == "line":
                        run.lines.append(event.text)
        except BaseException:
            on_event(Event("interrupted", ""))
            log.write(process.communicate()[0])  # closes its standard input
            raise
    return process.returncode


def _events(line: str) -> Iterator[Event]:
    text = plain(line)
    if found := KFP_STARTED.search(text):
        yield Event("started", found[1])
    elif found := KFP_ENDED.search(text):
        yield Event("ended", found[1])
    elif ours := step_line(text):
        yield Event("line", ours)
