"""KFP shell of the evaluate step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    snapshot: str,
    candidate: str,
    run_id: str,
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
    curves: dsl.Output[dsl.ClassificationMetrics],
) -> str:
    """Let the gate judge the candidate; returns the verdict."""
    from pathlib import Path

    from components.evaluate import step as use_case
    from components.ml.curves import roc
    from components.wiring import step

    with step("evaluate") as w:
        judged = use_case.run(
            w.project,
            w.store,
            w.registry,
            w.ledger,
            w.reports,
            w.store.get(snapshot),
            int(candidate),
            run_id=run_id,
            actor=w.settings.actor,
        )
        Path(report.path).write_text(judged.report_html, encoding="utf-8")
        metrics.log_metric("candidate_auc", judged.measured.candidate.value)
        false, true = roc(judged.holdout.labels, judged.candidate).T.tolist()
        curves.log_roc_curve(false, true, [1.0 - share for share in false])
        return judged.decision.verdict.value
