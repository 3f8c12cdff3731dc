"""The environment of the processes that Ratchet starts: what they need by kind, and nothing else of what this one was given.

A shell holds keys that are nobody's business here (of a code host, of a chat), and a serving process answers strangers.
"""

from __future__ import annotations

import os
import re

from ratchet.settings import Settings

_PREFIX = "RATCHET_"
_NEEDED = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TERM|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|TMPDIR|HOSTNAME|VIRTUAL_ENV|LD_\w+"
    r"|MALLOC_\w+|XDG_\w+|PYTHON\w+|COVERAGE_\w+"  # the system's and Python's own
    r"|OMP_\w+|OPENBLAS_\w+|MKL_\w+|NUMEXPR_\w+|LOKY_\w+|JOBLIB_\w+"  # how many threads
    r"|(HTTPS?|ALL|NO)_PROXY|https?_proxy|all_proxy|no_proxy|SSL_\w+|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"  # the network's
    r"|AWS_\w+|BOTO\w*|GOOGLE_\w+|AZURE_\w+|MLFLOW_\w+|PG\w+|KUBE\w+|DATABRICKS_\w+|FEAST_\w+|BENTOML_\w+"  # the stores'
    r"|RATCHET_\w+"
)
_NOT_A_CHILDS = re.compile(r"RATCHET_(UI|KFP)_\w+")  # of the page and of who starts runs; no process of ours under them needs any
_NOT_A_SERVERS = re.compile(
    r"RATCHET_(NOTIFY_URL|SOURCE_URL|LEDGER_KEY\w*)|KUBE\w+"
)  # what answers strangers appends no event, reads no raw data, and patches nothing


def environment(settings: Settings) -> dict[str, str]:
    """For a child that works with `settings`: these, what it needs of this process's, and what RATCHET_HAND_ON names."""
    named = {name.strip() for name in settings.hand_on.split(",")}
    own = {
        name: value
        for name, value in os.environ.items()
        if name in named or (_NEEDED.fullmatch(name) and not _NOT_A_CHILDS.fullmatch(name))
    }
    return own | {f"{_PREFIX}{name.upper()}": str(value) for name, value in settings.model_dump().items()}


def serving_environment(settings: Settings) -> dict[str, str]:
    """Likewise, for a child that serves."""
    return {name: value for name, value in environment(settings).items() if not _NOT_A_SERVERS.fullmatch(name)}
