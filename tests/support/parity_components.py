"""The pipeline's components by name and interface, whose outcomes the environment says: for comparing runners, not steps."""

from kfp import dsl

IMAGE = "python"


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def ingest(data: str, snapshot: str, replace: bool, dataset: dsl.Output[dsl.Dataset]) -> list[str]:
    from tests.support.parity_act import act

    act("ingest")
    return ["0-5", "5-9"]  # GROUPS of tests/integration/test_parity.py


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def profile_rows(dataset: dsl.Input[dsl.Dataset], rows: str) -> None:
    from tests.support.parity_act import act

    act("profile-rows")


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def drift_check(
    dataset: dsl.Input[dsl.Dataset],
    force: bool,
    judged: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
) -> str:
    from tests.support.parity_act import act

    return act("drift-check")


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train(dataset: dsl.Input[dsl.Dataset], force: bool, model: dsl.Output[dsl.Model], metrics: dsl.Output[dsl.Metrics]) -> None:
    from tests.support.parity_act import act

    act("train")


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    dataset: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
    curves: dsl.Output[dsl.ClassificationMetrics],
) -> str:
    from tests.support.parity_act import act

    return act("evaluate")


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def promote(model: dsl.Input[dsl.Model]) -> str:
    from tests.support.parity_act import act

    return act("promote")


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def record_run(snapshot: str, status: dsl.PipelineTaskFinalStatus) -> None:
    from tests.support.parity_act import act

    act(f"record-run {status.state}")
