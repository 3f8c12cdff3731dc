"""Where the status page listens and who may act on it, from the environment (RATCHET_UI_*)."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from ratchet.settings import read_environment

_PREFIX = "RATCHET_UI_"
_SHORTEST = 16  # nobody holds up one who guesses


def _long_enough(value: SecretStr) -> SecretStr:
    if 0 < len(value.get_secret_value()) < _SHORTEST:
        message = f"it has fewer than {_SHORTEST} characters; `openssl rand -hex 24` makes a good one"
        raise ValueError(message)
    return value


class UiSettings(BaseSettings):
    """Each field is the variable RATCHET_UI_<FIELD>. Apart from Settings, because those are handed to child processes."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore")

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=3001, ge=1, le=65535)
    hosts: str = ""  # names beside localhost that it may be asked by, commas between; none: any, where others reach it
    token: Annotated[SecretStr, AfterValidator(_long_enough)] = SecretStr("")  # empty: nobody can act, everybody can look
    user_header: str = Field(
        default="", pattern="^[A-Za-z0-9-]*$"
    )  # in which the proxy before the page says who asks; nobody else may
    look_seconds: float = Field(default=5.0, gt=0)  # that a page waits for a store before it is shown without it


def load_ui_settings() -> UiSettings:
    """Read the environment. Raises UserError naming the variable that does not fit."""
    return read_environment(UiSettings, _PREFIX)
