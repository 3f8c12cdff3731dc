"""The DAG: ingest, drift_check, and only when that asks for it train and evaluate, and only on PASS promote."""

from kfp import dsl

from components.drift_check.component import drift_check
from components.evaluate.component import evaluate
from components.ingest.component import ingest
from components.promote.component import promote
from components.record_run.component import record_run
from components.train.component import train
from pipelines.kubeflow.task_pods import prepare


@dsl.pipeline(name="continuous-training", description="Retrain when it is needed, promote when it is better beyond doubt.")
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
    with dsl.ExitHandler(prepare(record_run(snapshot=snapshot)), name="loop"):
        taken = prepare(ingest(data=data, snapshot=snapshot, replace=replace))
        dataset = taken.outputs["dataset"]
        checked = prepare(drift_check(dataset=dataset, force=force))
        with dsl.If(checked.outputs["Output"] == "RETRAIN", name="retrain"):
            made = prepare(train(dataset=dataset, force=force))
            judged = prepare(evaluate(dataset=dataset, model=made.outputs["model"]))
            with dsl.If(judged.outputs["Output"] == "PASS", name="passed"):
                prepare(promote(model=made.outputs["model"]))
