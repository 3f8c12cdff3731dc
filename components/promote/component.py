"""KFP shell of the promote step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def promote(model: dsl.Input[dsl.Model]) -> str:
    """Carry out the promotion protocol; returns the ledger's word for the outcome."""
    from components.shell import Wiring, attempt
    from ratchet.promotion.reconcile import reconcile_first
    from ratchet.steps import promote as use_case

    def body(w: Wiring) -> str:
        reconcile_first(w.production, only_open=True)  # a try before this one may have been killed, or lost the registry
        return str(use_case.run(w.project, w.production, int(model.metadata["version"]), run_id=w.settings.run_id).event.state)

    return attempt("promote", body)
