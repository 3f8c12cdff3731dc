"""Where a run's log can be read: a file of this machine, or in a pod what reaches into it or outlives it."""

from __future__ import annotations

import os
import socket
from collections import deque
from pathlib import Path

from ratchet.settings import Settings

_LINES = 100


def place_of(settings: Settings, log: Path) -> str:
    """The file, where it can be opened; in a pod the command that shows it from outside.

    What the first process of a container prints is the pod's log. A Job's pod has ended by the time anybody reads this, and its
    files are gone; any other command was run in a pod that lives on.
    """
    if not _in_a_pod():
        return str(log)
    kubectl = f"kubectl --namespace {settings.namespace}" if settings.namespace else "kubectl"
    if outlived():
        return f"{kubectl} logs {socket.gethostname()}"
    return f"{kubectl} exec {socket.gethostname()} -- cat {log}"


def outlived() -> bool:
    """Whether the log's file ends with this process, as in the pod of a Job: what matters of it has to be printed."""
    return _in_a_pod() and os.getpid() == 1


def end_of(log: Path) -> str:
    """Its last lines, with a line before that says so."""
    with log.open(encoding="utf-8", errors="replace") as file:
        lines = list(deque(file, _LINES))
    return f"the last {len(lines)} lines of the run's log:\n{''.join(lines)}".rstrip()


def _in_a_pod() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ
