"""Settings of safety. ``KFIX_SAFETY_*``."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kfix.infra.settings import Settings


class Safety(Settings):
    """Where the policy is and how long a proof may take."""

    model_config = SettingsConfigDict(env_prefix="KFIX_SAFETY_")

    #: YAML file of the policy (``safety.core.policy.Policy``); empty: the shipped defaults.
    policy_file: str = ""
    #: Seconds the repository or the API server may take for one plan; later than that is ``unknown``.
    deadline_s: float = Field(default=30.0, gt=0)
    #: How often plans are examined again while the repository or the API server does not answer: after 15 s, then twice as
    #: long each time, two minutes in all. Then the check is ``unknown``, with the reason.
    ask_again: int = Field(default=3, ge=0, le=10)
    #: Plans about which the API server is asked at once; the rest waits in line, inside ``deadline_s``. Their requests
    #: have their turns among all of the process (``KFIX_KUBERNETES_AT_ONCE``).
    kubernetes_at_once: int = Field(default=8, ge=1)
    #: Seconds between two proofs that the cluster refuses K-Fix's real writes. A minute bounds what a removed policy may
    #: go unnoticed; the probe costs the API server one refused request.
    lock_check_s: float = Field(default=60.0, gt=0)
    #: Kubernetes version whose schemas are used offline, as ``1.37``; empty: the newest known.
    kubernetes_version: str = ""
    #: Where names alone are ambiguous: ``namespace`` or ``Kind/namespace/name`` to the only folders that declare it.
    #: ``group/project//folder`` counts in that repository alone.
    folders: dict[str, tuple[str, ...]] = Field(default_factory=dict)
