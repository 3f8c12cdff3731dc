"""KFP shell of the drift_check step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def drift_check(
    dataset: dsl.Input[dsl.Dataset],
    force: bool,
    judged: dsl.Output[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
) -> str:
    """Make the pods agree, measure, and compare; returns the action. `judged` is what a candidate is to be made and judged on."""
    from pathlib import Path

    from components.shell import Wiring, attempt, hand_on
    from ratchet.promotion.reconcile import reconcile_first
    from ratchet.steps import drift_check as use_case
    from ratchet.steps import measure

    def body(w: Wiring) -> str:
        reconcile_first(w.production)
        snapshot, run, most = w.store.get(dataset.metadata["snapshot"]), w.settings.run_id, w.settings.rows_per_pod
        stores = (w.store, w.registry, w.journal, w.requests)
        measure.run(w.project, w.store, w.registry, w.journal, snapshot, run_id=run)
        tools = (lambda: w.reporter, w.reports)
        checked = use_case.run(w.project, *stores, *tools, snapshot, force=force, run_id=run, rows_per_pod=most)
        hand_on(judged, checked.facts)
        Path(report.path).write_text(checked.report_html or checked.trigger.line, encoding="utf-8")
        if checked.drift:
            metrics.log_metric("drift_share", checked.drift.drift_share)
        return checked.trigger.action.value

    return attempt("drift_check", body)
