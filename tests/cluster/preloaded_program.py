"""A program for `python -u -c` in the toolbox: runs commands and programs in forks of one process that has the product imported.

What is run is what `ratchet` and `python -` run, in a process of its own each; the seconds that imports take are spent once.
Reads a JSON line for each (`argv` of ratchet, or `program` with its `argv`; `env`), answers with one: `code`, `out`, `err`.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from typing import Any

from ratchet.apps.cli.main import main
from ratchet.registry.mlflow_import import import_mlflow

ADAPTERS = (
    "ratchet.features.feast_features",
    "ratchet.rollout.deployment",
    "ratchet.locks.lease",
    "ratchet.registry.mlflow_registry",
    "ratchet.snapshots.s3",
    "ratchet.ledger.sql",
    "ratchet.requests.sql",
)


def child(asked: dict[str, Any], files: tuple[int, int]) -> None:
    """Be the process that was asked for. Never returns."""
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(files[0], 1)
        os.dup2(files[1], 2)
        os.environ.update(asked["env"])
        sys.argv = ["-" if asked["program"] else "ratchet", *asked["argv"]]
        if program := asked["program"]:
            exec(compile(program, "-", "exec"), {"__name__": "__main__"})  # noqa: S102 - as `python -` does
        else:
            main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(end.code + "\n")
    except BaseException:  # noqa: BLE001 - nothing may come back from the child
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


import_mlflow()
for module in (*ADAPTERS, "ratchet.steps.promote", "mlflow.sklearn"):
    importlib.import_module(module)
sys.stdout.write("ready\n")
for line in sys.stdin:
    files = (os.memfd_create("out"), os.memfd_create("err"))
    pid = os.fork()
    if pid == 0:
        child(json.loads(line), files)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    printed = []
    for descriptor in files:
        with os.fdopen(descriptor, "rb") as file:
            file.seek(0)
            printed.append(file.read().decode("utf-8", "replace"))
    # as a shell reports a signal
    sys.stdout.write(json.dumps({"code": code if code >= 0 else 128 - code, "out": printed[0], "err": printed[1]}) + "\n")
