"""KFP shell of the drift_check step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def drift_check(snapshot: str, force: bool, run_id: str, report: dsl.Output[dsl.HTML], metrics: dsl.Output[dsl.Metrics]) -> str:
    """Make the pods agree with the alias, then compare with the champion's training snapshot; returns the action."""
    from pathlib import Path

    from components.drift_check import step as use_case
    from components.protocol.reconcile import reconcile
    from components.wiring import say, step

    with step("drift_check") as w:
        for done in reconcile(w.world):
            say(f"[RECONCILE] {done}")
        checked = use_case.run(
            w.project,
            w.store,
            w.registry,
            w.ledger,
            w.requests,
            lambda: w.reporter,
            w.reports,
            w.store.get(snapshot),
            force=force,
            run_id=run_id,
        )
        Path(report.path).write_text(checked.report_html or checked.trigger.line, encoding="utf-8")
        if checked.drift:
            metrics.log_metric("drift_share", checked.drift.drift_share)
        return checked.trigger.action.value
