"""The history: the one projection of a model's ledger. Each record is folded once; every question is asked of what came of it."""

from ratchet.core.history.figures import Figure
from ratchet.core.history.history import History
from ratchet.core.history.runs import Outcome, Run
from ratchet.core.history.wishes import Waiting

__all__ = ["Figure", "History", "Outcome", "Run", "Waiting"]
