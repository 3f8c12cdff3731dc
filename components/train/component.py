"""KFP shell of the train step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train(dataset: dsl.Input[dsl.Dataset], force: bool, model: dsl.Output[dsl.Model], metrics: dsl.Output[dsl.Metrics]) -> None:
    """Make a candidate; `model` says which it is."""
    import json
    from pathlib import Path

    from components.shell import Wiring, attempt
    from ratchet.steps import train as use_case

    def body(w: Wiring) -> None:
        snapshot, run = w.store.get(dataset.metadata["snapshot"]), w.settings.run_id
        version = use_case.run(w.project, w.store, w.features, w.registry, snapshot, force=force, run_id=run)
        model.metadata.update(version.facts(w.project.model))
        Path(model.path).write_text(json.dumps(model.metadata, indent=1), encoding="utf-8")
        for name, value in version.metrics.items():
            metrics.log_metric(name, value)

    attempt("train", body)
