"""GitLab: what becomes of K-Fix's merge requests, authenticated by a signature over the body or by a secret token."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.core.authenticity import Signature, check_token, signature_of
from ingest.core.identity import sha256_hex
from ingest.core.outcomes import RefusedDelivery
from ingest.core.source import AlertSource, Reading, RequestHeaders, WebhookDelivery
from ingest.settings import Ingest
from ingest.sources.gitlab.examples import GITLAB_MERGED, GITLAB_NOTE
from ingest.sources.gitlab.reading import Delivery, event_of
from ingest.sources.gitlab.settings import GitLabWebhook
from kfix.infra.forges.gitlab.settings import GitLabConnection
from kfix.infra.settings import load
from schemas.merge_requests import MergeRequestEvent


@dataclass(frozen=True, slots=True)
class GitLabReceiver:
    """``ingest.core.source.Receiver``. ``url``: where GitLab is; links of its events are taken only from there."""

    settings: GitLabWebhook
    url: str
    tolerance_s: float

    def credentials(
        self, headers: RequestHeaders, now_s: float
    ) -> Signature | RefusedDelivery | None:
        """A plain token is compared here; a signing token gives the signature that the body must bear. ``now_s``: Unix time."""
        plain = [token.get_secret_value() for token in self.settings.tokens]
        keys = [token.get_secret_value() for token in self.settings.signing_tokens]
        signatures = headers.getlist("webhook-signature")
        if keys and signatures:
            return signature_of(
                ids=headers.getlist("webhook-id"),
                timestamps=headers.getlist("webhook-timestamp"),
                signatures=signatures,
                keys=keys,
                now_s=now_s,
                tolerance_s=self.tolerance_s,
            )
        if keys and not plain:
            # once a signing token is set, a request without both is a request without a signature
            return RefusedDelivery("signature_missing")
        return check_token(headers.getlist("x-gitlab-token"), plain)

    def read(self, delivery: WebhookDelivery) -> Reading:
        """The delivery as merge request events, or why it is none."""
        key = (
            delivery.header("webhook-id")
            or delivery.header("idempotency-key")
            or sha256_hex(delivery.body)
        )
        told = Delivery(key, delivery.received_at, self.settings.bot, self.url)
        event = event_of(delivery.document, told)
        return (event,) if isinstance(event, MergeRequestEvent) else event


def source(settings: GitLabWebhook, *, url: str, tolerance_s: float) -> AlertSource:
    """The source with these settings."""
    return AlertSource(
        name="gitlab",
        title="GitLab",
        path="/gitlab-webhook",
        writes=MergeRequestEvent,
        receiver=GitLabReceiver(settings, url, tolerance_s),
        summary="A GitLab event",
        authentication="Authenticated by `webhook-signature`, or by `X-Gitlab-Token`.",
        examples={"merged": GITLAB_MERGED, "note": GITLAB_NOTE},
        kept_headers=("x-gitlab-event", "idempotency-key", "webhook-id"),
    )


def open_source(shared: Ingest) -> AlertSource:
    """The source as the environment sets it."""
    url = load(GitLabConnection).url.rstrip("/")
    return source(load(GitLabWebhook), url=url, tolerance_s=shared.signature_tolerance_s)
