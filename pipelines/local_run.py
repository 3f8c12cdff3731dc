"""Run the pipeline in this process by kfp.local, each task in a process of its own. Started by runners.py; argument: JSON."""

from __future__ import annotations

import json
import sys
import warnings

from kfp import local


def main() -> None:
    """Run; exit code 1 when a task failed (what failed stands in its `[ERROR]` line)."""
    arguments = json.loads(sys.argv[2])
    from pipelines.continuous_training import continuous_training  # noqa: PLC0415 - compiled here, in the child

    # kfp.local takes an image whose name lacks "python" for a foreign one; ours has the same packages as this environment.
    warnings.filterwarnings("ignore", message="You may be attemping", category=RuntimeWarning)
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[1], raise_on_error=True)
    try:
        continuous_training(**arguments)
    except RuntimeError as error:  # kfp.local's word for a failed task
        sys.stdout.flush()
        sys.exit(str(error))


if __name__ == "__main__":
    main()
