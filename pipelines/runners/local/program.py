"""Run the pipeline in this process by kfp.local, each task in a process of its own. Started by runner.py; argument: JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import warnings

from kfp import local

from ratchet.private_names import KFP_FOREIGN_IMAGE

_GRACE = 45.0  # seconds; a promotion that is interrupted ends its gateway in order, which takes its drain of 10 s and more


def main() -> None:
    """Run; exit code 1 when a task failed (what failed stands in its `[ERROR]` line)."""
    signal.signal(signal.SIGINT, lambda *_: None)  # is for the task, which this process outlives; a handler is not inherited
    threading.Thread(target=_end_with_command, name="command-watch", daemon=True).start()
    arguments = json.loads(sys.argv[2])
    from pipelines.continuous_training import make_pipeline  # noqa: PLC0415 - the watch must run before the slow imports
    from pipelines.task_pods import in_process  # noqa: PLC0415 - as above

    # kfp.local takes an image whose name lacks "python" for a foreign one; ours has the same packages as this environment.
    warnings.filterwarnings("ignore", message=KFP_FOREIGN_IMAGE, category=RuntimeWarning)
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[1], raise_on_error=True)
    try:
        make_pipeline(in_process)(**arguments)
    except RuntimeError as error:  # kfp.local's word for a failed task
        sys.stdout.flush()
        sys.exit(str(error))


def _end_with_command() -> None:
    """Standard input ends when the command is interrupted or dead: interrupt the task that runs, or end all if it does not stop."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.killpg(0, signal.SIGINT)  # the session that runner.py opened for this process and its tasks
    time.sleep(_GRACE)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
