"""Settings of learn. ``KFIX_LEARN_*``."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings


class Learn(Settings):
    """When a merged fix is looked at, and how long a merge request is waited for."""

    model_config = SettingsConfigDict(env_prefix="KFIX_LEARN_")

    #: Seconds from the merge to the check. 15 minutes: a rollout, and some minutes of metrics after it.
    check_after_s: float = Field(default=900.0, ge=0)
    #: Seconds between tries while the change has not arrived or something cannot be measured, and how many there are.
    retry_after_s: float = Field(default=300.0, gt=0)
    tries: int = Field(default=6, ge=1)
    #: Seconds between looks for checks that are due.
    poll_s: float = Field(default=5.0, gt=0)
    #: Seconds that a replica holds a check it works on; then another may take it.
    lease_s: float = Field(default=120.0, gt=0)
    #: Checks taken at once.
    batch: int = Field(default=20, ge=1)
    #: Days after which a merge request that nobody decided on counts as expired.
    expiry_days: float = Field(default=14.0, gt=0)
    #: Seconds after which GitLab is asked again about one that would have expired, where it did not answer. An hour: an
    #: outage ends within, and a project that we may not read any more costs a request an hour.
    ask_again_s: float = Field(default=3600.0, gt=0)
