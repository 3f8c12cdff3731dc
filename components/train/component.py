"""KFP shell of the train step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train(dataset: dsl.Input[dsl.Dataset], force: bool, model: dsl.Output[dsl.Model], metrics: dsl.Output[dsl.Metrics]) -> None:
    """Make a candidate; `model` says which it is."""
    from components.shell import Wiring, attempt, hand_on
    from ratchet.steps import train as use_case

    def body(w: Wiring) -> None:
        snapshot, run = w.store.get(dataset.metadata["snapshot"]), w.settings.run_id
        offered = int(dataset.metadata.get("offered") or 0) or None
        stores = (w.project, w.store, w.features, w.registry, w.journal)
        version = use_case.run(*stores, snapshot, force=force, offered=offered, run_id=run)
        hand_on(model, version.facts(w.project.model))
        for name, value in version.metrics.items():
            metrics.log_metric(name, value)

    attempt("train", body)
