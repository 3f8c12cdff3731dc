"""What can go wrong, and who can mend it.

RatchetError
├── PermanentError            trying again changes nothing
│   ├── UserError             a person has to change something; exit code 2
│   │   ├── ProjectError      ratchet.yaml is wrong
│   │   ├── DataError         a snapshot, a label file or a request is wrong
│   │   └── Misconfigured     a store refuses us, or is not what its address says
│   ├── ArtifactError         a stored model is not the one that was registered; exit code 3
│   ├── LedgerError           the record of decisions does not verify; exit code 3
│   ├── StaleComparison       the champion changed since the gate compared with it; exit code 4
│   └── PromotionFailed       the candidate did not get to serve, the old version does; exit code 4
└── RetryableError            the same call may work later; exit code 75 (EX_TEMPFAIL)
    ├── Unavailable           a registry, store or server cannot be reached
    ├── LockHeld              somebody else is promoting
    └── LockLost              we no longer hold the promotion lock for sure: nothing more may be written under it

Every message is one sentence for the person who reads it: what, where, what to do.
"""

REPLACE = "--replace (make run: REPLACE=1)"  # how a user says that what is stored may go


class RatchetError(Exception):
    """The root; its text is shown to people as it is."""

    exit_code = 1


class PermanentError(RatchetError):
    """Trying again changes nothing."""


class UserError(PermanentError):
    """A person has to change an argument, a file or a setting."""

    exit_code = 2


class ProjectError(UserError):
    """ratchet.yaml is missing, malformed or contradicts itself."""


class DataError(UserError):
    """A snapshot, a label file or a request does not fit the project."""


class NoSuchVersion(UserError):  # noqa: N818 - what is so
    """The registry answers, and it has no such version of the model."""


class Misconfigured(UserError):  # noqa: N818 - what is so
    """A store's address, name or rights are wrong, or what lies there is something else."""


class ArtifactError(PermanentError):
    """A stored model's bytes are not those that were registered, or cannot be read."""

    exit_code = 3


class LedgerError(PermanentError):
    """The chain of records does not verify."""

    exit_code = 3


class StaleComparison(PermanentError):  # noqa: N818 - the term of the log line
    """The champion is no longer the version that the gate compared with."""

    exit_code = 4


class PromotionFailed(PermanentError):  # noqa: N818 - an outcome, named as the ledger names it
    """The candidate did not get to serve; the version before it serves on."""

    exit_code = 4


class RetryableError(RatchetError):
    """The same call may work later.

    Args:
        message: one sentence for the reader.
        delay: seconds to wait before the next try.
    """

    exit_code = 75

    def __init__(self, message: str, delay: float = 1.0) -> None:
        super().__init__(message)
        self.delay = delay


class Unavailable(RetryableError):  # noqa: N818 - the field's word (gRPC UNAVAILABLE, HTTP 503)
    """A registry, a store or a server cannot be reached."""


class LockHeld(RetryableError):  # noqa: N818 - states what is so, not what failed
    """Somebody else holds the promotion lock."""


class LockLost(RetryableError):  # noqa: N818 - states what is so, not what failed
    """The promotion lock is no longer ours, or may not be: whatever is under way stops before its next write."""


def to_strangers(error: RatchetError, what: str) -> str:
    """The sentence for somebody who is not to hear what a store said, nor where it is; the log has that.

    Args:
        error: what went wrong.
        what: the store, as "the feature store".
    """
    if isinstance(error, RetryableError):
        return f"{what} cannot be reached: try again shortly"
    if isinstance(error, Misconfigured) or type(error) is PermanentError:
        return f"{what} cannot be used as it is set up: the log here says why"
    return str(error)
