"""Settings of decide. ``KFIX_DECIDE_*``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from decide.core.opinion import Asking
from kfix.infra.settings import Settings


class Decide(Settings):
    """How incidents are grouped and when a model is asked."""

    model_config = SettingsConfigDict(env_prefix="KFIX_DECIDE_")

    #: Minutes after a recovery in which the same trouble is still the same incident: a flapping alert is one.
    reopen_minutes: float = Field(default=30.0, ge=0)
    #: Hours after the last alert in which an incident without a plan still takes alerts.
    quiet_hours: float = Field(default=6.0, gt=0)
    #: Days in which an incident with a plan waits for its outcome.
    expiry_days: float = Field(default=7.0, gt=0)

    #: Folder with playbooks of one's own, beside the shipped ones; empty: the shipped ones alone.
    playbooks_dir: str = ""

    #: When a model is asked for a second opinion: never, below a confidence, or always. Without a key nobody is asked.
    ask: Asking = "when_unsure"
    #: Below this confidence the rules count as unsure.
    unsure_below: float = Field(default=0.75, ge=0, le=1)
    #: From this confidence the rules' plan stands although the model disagrees.
    certain_from: float = Field(default=0.9, ge=0, le=1)
    #: Who is asked. Mistral, Claude, GPT, or with ``openai`` and a URL any server that speaks its chat completions.
    provider: Literal["mistral", "anthropic", "openai"] = "mistral"
    #: The prompt in use; outcomes are compared per version.
    prompt: Literal["diagnose.v1", "diagnose.v2"] = "diagnose.v2"
    #: Mistral's API key; without one nobody is asked.
    mistral_api_key: SecretStr = SecretStr("")
    #: Address of the API; empty: Mistral's own.
    mistral_url: str = ""
    #: Model that is asked.
    mistral_model: str = "mistral-large-latest"
    #: Anthropic's API key. Claude and GPT need the extra ``llm``.
    anthropic_api_key: SecretStr = SecretStr("")
    #: Address of the API; empty: Anthropic's own.
    anthropic_url: str = ""
    #: Model that is asked.
    anthropic_model: str = "claude-sonnet-5-5"
    #: OpenAI's API key; a server of one's own may need none.
    openai_api_key: SecretStr = SecretStr("")
    #: Address of a server that speaks chat completions, ``/v1`` included; empty: OpenAI's own.
    openai_url: str = ""
    #: Model that is asked.
    openai_model: str = "gpt-6-sol"
    #: How the shape of the answer is asked for; servers of one's own may know less than schemas.
    openai_shape: Literal["json_schema", "json_object", "none"] = "json_schema"
    #: Seconds for one answer. Structured answers of 300 tokens take 2 to 10, of reasoning models up to 25.
    model_timeout_s: float = Field(default=30.0, gt=0)
    #: Seconds for one opinion with its repair and its retry: the incident waits for it, and is tried again after 120.
    opinion_timeout_s: float = Field(default=60.0, gt=0, le=100)
    #: Failures in a row after which the model is left alone.
    breaker_failures: int = Field(default=3, ge=1)
    #: Seconds for which it is left alone then.
    breaker_rest_s: float = Field(default=120.0, gt=0)
    #: Questions per hour over all incidents: a hard budget, repairs and retries included.
    questions_per_hour: int = Field(default=60, ge=0)
    #: Tokens per hour over all incidents: 60 questions of the usual 5,000 tokens.
    tokens_per_hour: int = Field(default=300_000, ge=0)
    #: Questions per cause in a day: two opinions with a repair each.
    questions_per_incident: int = Field(default=4, ge=0)
    #: Tokens per cause in a day.
    tokens_per_incident: int = Field(default=40_000, ge=0)
