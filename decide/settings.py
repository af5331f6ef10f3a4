"""Settings of decide. ``KFIX_DECIDE_*``."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from decide.core.opinion import Asking
from kfix.settings import Settings


class Decide(Settings):
    """How incidents are grouped and when a model is asked."""

    model_config = SettingsConfigDict(env_prefix="KFIX_DECIDE_")

    #: Minutes after a recovery in which the same trouble is still the same incident: a flapping alert is one.
    reopen_minutes: float = Field(default=30.0, ge=0)
    #: Hours after the last alert in which an incident without a plan still takes alerts.
    quiet_hours: float = Field(default=6.0, gt=0)
    #: Days in which an incident with a plan waits for its outcome.
    expiry_days: float = Field(default=7.0, gt=0)

    #: When a model is asked for a second opinion. Without a key nobody is asked.
    ask: Asking = "when_unsure"
    #: Below this confidence the rules count as unsure.
    unsure_below: float = Field(default=0.75, ge=0, le=1)
    #: From this confidence the rules' plan stands although the model disagrees.
    certain_from: float = Field(default=0.9, ge=0, le=1)
    #: Mistral's API key; without one nobody is asked.
    mistral_api_key: SecretStr = SecretStr("")
    #: Address of the API; empty: Mistral's own.
    mistral_url: str = ""
    #: Model that is asked.
    mistral_model: str = "mistral-large-latest"
    #: Seconds for one answer. Structured answers of 300 tokens take 2 to 10.
    model_timeout_s: float = Field(default=30.0, gt=0)
    #: Questions per hour over all incidents: the hard budget.
    questions_per_hour: int = Field(default=60, ge=0)
    #: Questions per incident, a repair of a malformed answer included.
    questions_per_incident: int = Field(default=2, ge=0)
