"""KFP shell of the evaluate step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    dataset: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
    curves: dsl.Output[dsl.ClassificationMetrics],
) -> str:
    """Let the gate judge the candidate; returns the verdict."""
    from pathlib import Path

    from components.shell import Wiring, attempt
    from ratchet.steps import evaluate as use_case

    def body(w: Wiring) -> str:
        snapshot, candidate = w.store.get(dataset.metadata["snapshot"]), int(model.metadata["version"])
        run, actor, most = w.settings.run_id, w.settings.actor, w.settings.rows_per_pod
        stores = (w.store, w.registry, w.journal, w.reports)
        what = (w.project, *stores, snapshot, candidate)
        judged = use_case.run(*what, run_id=run, actor=actor, rows_per_pod=most)
        Path(report.path).write_text(judged.report_html, encoding="utf-8")
        for name, value in judged.figures.items():
            metrics.log_metric(name, value)
        false, true = judged.curve.T.tolist()
        curves.log_roc_curve(false, true, [1.0 - share for share in false])
        return judged.decision.verdict.value

    return attempt("evaluate", body)
