"""KFP shell of the record_run step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def record_run(snapshot: str, status: dsl.PipelineTaskFinalStatus) -> None:
    """Write into the ledger how the run ended, whatever happened to it."""
    from components.shell import Wiring, attempt
    from ratchet.steps import record_run as use_case

    def body(w: Wiring) -> None:
        state, error = str(status.state), str(status.error_message or "")
        use_case.run(w.journal, state=state, error=error, run_id=w.settings.run_id, snapshot=snapshot)

    attempt("record_run", body)
