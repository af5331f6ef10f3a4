"""The console's door: pages for people, the same as JSON, feedback."""

from __future__ import annotations

import hmac
from base64 import b64decode
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote

import prometheus_client
from fastapi import APIRouter, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse
from pydantic import BaseModel, Field

from console.adapters.judging import JudgementDoor
from console.adapters.origin import check_same_site, read_body
from console.adapters.pages import Pages
from console.adapters.states import measure_states
from console.adapters.trust_recent import RecentTrust
from console.core.judging import NAME, TEXT, Judgement, Silence, judged
from console.core.output import complete
from console.core.story import IncidentStory
from console.core.trust_output import trust_json
from console.ports import ConsolePorts, Listed
from kfix.engine.runtime.stage import Publisher
from kfix.incident.judgement_links import PATH
from kfix.incident.trust.figures import TrustFigures
from schemas import errors
from schemas.dead_letters import DeadLetter
from schemas.feedback import FeedbackWay
from schemas.identity import attempt_of
from schemas.merge_requests import MergeRequestEvent

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
#: The time range of figures of trust where nobody says another.
_RANGE = "30d"


class FeedbackBody(BaseModel):
    """A person's judgement of an incident's fix."""

    verdict: Judgement = "comment"
    text: str = Field(default="", max_length=TEXT)
    author: str = Field(default="", max_length=NAME)
    #: Of ``snooze``: for how long.
    silence: Silence = "1d"


def build_app(ports: ConsolePorts, publisher: Publisher) -> FastAPI:
    """The application. All answers carry a strict content security policy; there is no script."""
    app = FastAPI(title="K-Fix console", docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    door = _Door(ports, publisher)
    app.middleware("http")(door.guard)
    app.include_router(door.router())
    return app


class _Door:
    def __init__(self, ports: ConsolePorts, publisher: Publisher) -> None:
        self._ports = ports
        self._publisher = publisher
        self._pages = Pages(ports.language)
        self._judging = JudgementDoor(ports, publisher, self._pages)
        self._trust = RecentTrust(ports)

    def router(self) -> APIRouter:
        router = APIRouter()
        add = router.add_api_route
        add("/", lambda: RedirectResponse("/incidents"), include_in_schema=False)
        add("/incidents", self.list_page, response_class=HTMLResponse)
        add("/incidents.json", self.list_json)
        add("/incidents/{incident_id}.json", self.incident_json)
        add("/incidents/{incident_id}", self.incident_page, response_class=HTMLResponse)
        add("/incidents/{incident_id}/feedback", self.feedback, methods=["POST"], status_code=202)
        add(
            "/incidents/{incident_id}/feedback-form",
            self.feedback_form,
            methods=["POST"],
            include_in_schema=False,
        )
        self._judging.add(router)
        add("/dead-letters", self.letters_page, response_class=HTMLResponse)
        add("/dead-letters.json", self.letters_json)
        add("/trust", self.trust_page, response_class=HTMLResponse)
        add("/trust.json", self.trust_json)
        add("/style.css", self.style, include_in_schema=False)
        add("/healthz", lambda: PlainTextResponse("ok"))
        add("/readyz", self.ready)
        add("/metrics", self.metrics)
        return router

    async def guard(
        self, request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        """The token where one is set, headers on every answer, a short word when the store is away.

        A signed link stands for the token at its own page.
        """
        open_paths = ("/healthz", "/readyz", "/metrics", PATH, "/style.css")
        if request.url.path not in open_paths and not self._may_enter(request):
            return PlainTextResponse(
                "unauthorized", 401, {"WWW-Authenticate": 'Basic realm="K-Fix"', **_HEADERS}
            )
        try:
            answer = await call_next(request)
        except errors.Retryable as failure:
            answer = PlainTextResponse(f"not now: {failure}", 503, {"Retry-After": "5"})
        answer.headers.update(_HEADERS)
        return answer

    def _may_enter(self, request: Request) -> bool:
        token = self._ports.settings.token.get_secret_value()
        if not token:
            return True
        scheme, _, said = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                said = b64decode(said).decode().partition(":")[2]
            except ValueError:
                return False
        return hmac.compare_digest(said.encode(), token.encode())

    async def list_page(
        self, request: Request, page: Annotated[int, Query(ge=0, le=10_000)] = 0
    ) -> Response:
        listed, where, more = await self._listed(request, page)
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse(_listed_json(listed))
        return HTMLResponse(self._pages.listing(listed, where, page, more))

    async def list_json(
        self, request: Request, page: Annotated[int, Query(ge=0, le=10_000)] = 0
    ) -> Response:
        listed, _, _ = await self._listed(request, page)
        return JSONResponse(_listed_json(listed))

    async def _listed(
        self, request: Request, page: int
    ) -> tuple[list[Listed], dict[str, str], bool]:
        """One page, the filters it was asked with, and whether there is another."""
        names = ("state", "status", "service", "environment", "cluster", "failure_class", "result")
        where = {name: value for name in names if (value := request.query_params.get(name, ""))}
        size = self._ports.settings.page_size
        found = await self._ports.projection.listed(where=where, limit=size + 1, offset=page * size)
        return list(found[:size]), where, len(found) > size

    async def _story(self, incident_id: str) -> IncidentStory:
        story = await self._ports.projection.story(incident_id)
        if story is None:
            raise HTTPException(404, "no such incident")
        return story

    async def incident_json(self, incident_id: str) -> Response:
        root = attempt_of(incident_id).incident_id
        if root != incident_id:
            return RedirectResponse(f"/incidents/{quote(root)}.json")
        return JSONResponse(complete(await self._story(incident_id)))

    async def incident_page(
        self, request: Request, incident_id: str, thanks: bool = False, still: bool = False
    ) -> Response:
        attempt = attempt_of(incident_id)
        if attempt.incident_id != incident_id:
            place = f"#attempt-{attempt.number}"
            return RedirectResponse(f"/incidents/{quote(attempt.incident_id)}{place}")
        story = await self._ports.projection.story(incident_id)
        if story is None:
            return HTMLResponse(self._pages.missing(), 404)
        moving = not (story.ended or thanks or still)
        refresh = self._ports.settings.refresh_s if moving else 0
        return HTMLResponse(
            self._pages.incident(
                story, refresh=refresh, thanks=thanks, person=self._ports.person(request)
            )
        )

    async def feedback(
        self, request: Request, incident_id: str, body: FeedbackBody
    ) -> JSONResponse:
        """Takes a judgement. It is a record of ``mr.events``; the outcome tells it when learn has read it."""
        story = await self._story(incident_id)
        event = self._event(request, _judged(story, incident_id), body, "api")
        await self._publisher.send(event)
        return JSONResponse({"event_id": event.event_id}, 202)

    async def feedback_form(self, request: Request, incident_id: str) -> Response:
        """The page's form, from our own page alone."""
        check_same_site(request)
        story = await self._story(incident_id)
        body = await _form_of(request)
        event = self._event(request, _judged(story, incident_id), body, "form")
        await self._publisher.send(event)
        return RedirectResponse(f"/incidents/{incident_id}?thanks=true#feedback", 303)

    def _event(
        self, request: Request, incident_id: str, body: FeedbackBody, way: FeedbackWay
    ) -> MergeRequestEvent:
        return judged(
            incident_id,
            body.verdict,
            event_id=f"fb-{self._ports.new_id()}",
            at=self._ports.now(),
            way=way,
            author=self._ports.person(request) or body.author,
            text=body.text,
            silence=body.silence,
        )

    async def letters_page(self, page: Annotated[int, Query(ge=0, le=10_000)] = 0) -> Response:
        letters, more = await self._letters(page)
        return HTMLResponse(self._pages.letters(letters, page, more))

    async def letters_json(self, page: Annotated[int, Query(ge=0, le=10_000)] = 0) -> Response:
        letters, _ = await self._letters(page)
        return JSONResponse({"dead_letters": [one.model_dump(mode="json") for one in letters]})

    async def _letters(self, page: int) -> tuple[Sequence[DeadLetter], bool]:
        size = self._ports.settings.page_size
        found = await self._ports.projection.letters(limit=size + 1, offset=page * size)
        return found[:size], len(found) > size

    async def trust_page(self, since: str = _RANGE) -> Response:
        """Figures of trust over a time range."""
        found = await self._figures(since)
        return HTMLResponse(self._pages.trust(found, since, self._ports.settings.currency))

    async def trust_json(self, since: str = _RANGE) -> Response:
        """The same as JSON."""
        found = await self._figures(since)
        return JSONResponse(trust_json(found, self._ports.settings.currency))

    async def _figures(self, since: str) -> TrustFigures:
        try:
            return await self._trust.figures(since)
        except ValueError as failure:
            raise HTTPException(422, str(failure)) from failure

    async def metrics(self) -> Response:
        """Prometheus metrics of this process, with where incidents stand and the figures of trust of the last 30 days."""
        await self._trust.measure()
        await measure_states(self._ports.projection)
        return Response(
            prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST
        )

    async def style(self) -> Response:
        return Response(self._pages.style, media_type="text/css")

    async def ready(self) -> Response:
        await self._ports.projection.listed(where={}, limit=1, offset=0)
        return PlainTextResponse("ok")


def _judged(story: IncidentStory, incident_id: str) -> str:
    """The attempt that a judgement is of: the one that is named, and of the incident as a whole the newest proposed."""
    if attempt_of(incident_id).incident_id != incident_id:
        return incident_id
    proposed = [a.records for a in story.attempts if a.records.merge_request is not None]
    return proposed[-1].incident_id if proposed else incident_id


async def _form_of(request: Request) -> FeedbackBody:
    """The form's fields. Raises HTTPException 413 for a large body, 422 for other fields than the form has."""
    try:
        body = (await read_body(request)).decode()
        return FeedbackBody.model_validate(dict(parse_qsl(body, keep_blank_values=True)))
    except ValueError as failure:
        raise HTTPException(422, "this is not the feedback form") from failure


def _listed_json(listed: list[Listed]) -> dict[str, Any]:
    return {
        "incidents": [
            {
                "incident_id": i.incident_id,
                "first_at": i.first_at.isoformat(),
                "last_at": i.last_at.isoformat(),
                **i.facts,
            }
            for i in listed
        ]
    }
