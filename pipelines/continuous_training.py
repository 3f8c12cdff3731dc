"""The DAG: ingest, drift_check, and only when that asks for it train and evaluate, and only on PASS promote.

Compiled in two forms, which decide the same: in the wide one several pods count a large snapshot before the drift check. It is a
form of its own because each level of a DAG costs a pod on Kubeflow, also one that has nothing to do.
"""

from collections.abc import Callable
from typing import Any

from kfp import dsl

from components.drift_check.component import drift_check
from components.evaluate.component import evaluate
from components.ingest.component import ingest
from components.profile_rows.component import profile_rows
from components.promote.component import promote
from components.record_run.component import record_run
from components.train.component import train

Prepare = Callable[[dsl.PipelineTask], dsl.PipelineTask]
_DESCRIPTION = "Retrain when it is needed, promote when it is better beyond doubt."


def make_pipeline(prepare: Prepare, *, wide: bool = False, config: dsl.PipelineConfig | None = None) -> Any:
    """The pipeline as KFP has it, to be run by kfp.local or compiled.

    Args:
        prepare: gives a task what it needs where it runs (`pipelines.task_pods`).
        wide: a snapshot of more than RATCHET_ROWS_PER_POD rows is counted by several pods.
        config: how long a run may take, and how long what is left of it stays; kfp.local passes over it.
    """

    @dsl.pipeline(name="continuous-training", description=_DESCRIPTION, pipeline_config=config)
    def continuous_training(
        snapshot: str = "latest",
        data: str = "",
        replace: bool = False,  # noqa: FBT002 - KFP passes arguments by name
        force: bool = False,  # noqa: FBT002 - likewise
    ) -> None:
        """Run the loop once.

        Args:
            snapshot: name of the snapshot; `latest` is the one with the latest date.
            data: folder of raw snapshots; empty when the snapshot was ingested before.
            replace: accept other content under a date that is stored.
            force: train although nothing asks for it.
        """
        _loop(prepare, snapshot, data, replace, force, wide=wide)

    return continuous_training


def _loop(prepare: Prepare, snapshot: Any, data: Any, replace: Any, force: Any, *, wide: bool) -> None:
    """The tasks; arguments are KFP's channels."""
    with dsl.ExitHandler(prepare(record_run(snapshot=snapshot)), name="loop"):
        taken = prepare(ingest(data=data, snapshot=snapshot, replace=replace))
        dataset = taken.outputs["dataset"]
        checked = prepare(drift_check(dataset=dataset, force=force))
        if wide:
            with dsl.ParallelFor(taken.outputs["Output"]) as rows:
                counted = prepare(profile_rows(dataset=dataset, rows=rows))
            checked.after(counted)
        with dsl.If(checked.outputs["Output"] == "RETRAIN", name="retrain"):
            labelled = checked.outputs["judged"]
            made = prepare(train(dataset=labelled, force=force))
            judged = prepare(evaluate(dataset=labelled, model=made.outputs["model"]))
            with dsl.If(judged.outputs["Output"] == "PASS", name="passed"):
                prepare(promote(model=made.outputs["model"]))
