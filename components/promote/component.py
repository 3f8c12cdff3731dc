"""KFP shell of the promote step."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def promote(candidate: str, run_id: str) -> str:
    """Carry out the promotion protocol; returns the ledger's word for the outcome."""
    from components.promote import step as use_case
    from components.wiring import step

    with step("promote") as w:
        return str(use_case.run(w.project, w.world, int(candidate), run_id=run_id).body["state"])
