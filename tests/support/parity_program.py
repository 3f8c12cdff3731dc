"""Run the pipeline's DAG on the components of tests/support/parity_components.py by kfp.local.

Arguments: folder of the run, and `wide` for the form in which several pods count the snapshot.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

from kfp import local

import pipelines.continuous_training as pipeline
from pipelines.task_pods import in_process
from tests.support import parity_components

NAMES = ("ingest", "profile_rows", "drift_check", "train", "evaluate", "promote", "record_run")


def stand_in(*, wide: bool = False) -> Any:
    """The very function that the product compiles, over the stand-ins."""
    for name in NAMES:
        setattr(pipeline, name, getattr(parity_components, name))
    return pipeline.make_pipeline(in_process, wide=wide)


def main() -> int:
    warnings.filterwarnings("ignore", category=RuntimeWarning)
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[1], raise_on_error=True)
    try:
        stand_in(wide=sys.argv[2:] == ["wide"])(snapshot="month_000", data="somewhere")
    except RuntimeError:  # kfp.local's word for a failed task
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
