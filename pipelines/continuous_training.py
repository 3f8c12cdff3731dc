"""The DAG: ingest, drift_check, and only when that asks for it train and evaluate, and only on PASS promote."""

from kfp import dsl

from components.drift_check.component import drift_check
from components.evaluate.component import evaluate
from components.ingest.component import ingest
from components.promote.component import promote
from components.train.component import train


@dsl.pipeline(name="continuous-training", description="Retrain when it is needed, promote when it is better beyond doubt.")
def continuous_training(
    snapshot: str,
    data: str = "",
    replace: bool = False,  # noqa: FBT002 - KFP passes arguments by name
    force: bool = False,  # noqa: FBT002 - likewise
    run_id: str = "",
) -> None:
    """Run the loop once.

    Args:
        snapshot: name of the snapshot.
        data: folder of raw snapshots; empty when the snapshot was ingested before.
        replace: accept other content under a date that is stored.
        force: train although nothing asks for it.
        run_id: written into the ledger with every decision.
    """
    taken = ingest(data=data, snapshot=snapshot, replace=replace)
    checked = drift_check(snapshot=taken.output, force=force, run_id=run_id)
    # Set on each task: enable_caching at submission reaches root-level tasks only.
    for task in (taken, checked):
        task.set_caching_options(enable_caching=False)
    with dsl.If(checked.outputs["Output"] == "RETRAIN", name="retrain"):
        made = train(snapshot=taken.output, force=force, run_id=run_id)
        judged = evaluate(snapshot=taken.output, candidate=made.outputs["Output"], run_id=run_id)
        for task in (made, judged):
            task.set_caching_options(enable_caching=False)
        with dsl.If(judged.outputs["Output"] == "PASS", name="passed"):
            promoted = promote(candidate=made.outputs["Output"], run_id=run_id)
            promoted.set_caching_options(enable_caching=False)
