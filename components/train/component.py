"""KFP shell of the train step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train(snapshot: str, force: bool, run_id: str, model: dsl.Output[dsl.Model], metrics: dsl.Output[dsl.Metrics]) -> str:
    """Make a candidate; returns its version number as text (KFP turns numbers into doubles)."""
    from components.train import step as use_case
    from components.wiring import step

    with step("train") as w:
        version = use_case.run(w.project, w.store, w.features, w.registry, w.store.get(snapshot), force=force, run_id=run_id)
        model.uri = f"models:/{w.project.model}/{version.number}"
        model.metadata.update({"digest": version.digest, "mlflow_run_id": version.run_id})
        for name, value in version.metrics.items():
            metrics.log_metric(name, value)
        return str(version.number)
