"""The page behind a signed link: it asks, and its form acts.

A link needs no token of the console: who has it may say that one thing and sees nothing of the incident. Following it changes
nothing, since chats follow links by themselves.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from console.adapters.origin import check_same_site, read_body
from console.adapters.pages import Pages
from console.core.judging import NAME, SILENCES, TEXT, judged
from console.ports import ConsolePorts
from kfix.engine.runtime.stage import Publisher
from kfix.incident.judgement_links import PATH, JudgementLink

#: Fields of the page's form beside the link's own.
_MOST = {"author": NAME, "text": TEXT}


class JudgementDoor:
    """``GET`` and ``POST`` of ``/judge``."""

    def __init__(self, ports: ConsolePorts, publisher: Publisher, pages: Pages) -> None:
        self._ports = ports
        self._publisher = publisher
        self._pages = pages

    def add(self, router: APIRouter) -> None:
        """Adds its two paths."""
        router.add_api_route(PATH, self.ask, response_class=HTMLResponse, include_in_schema=False)
        router.add_api_route(PATH, self.act, methods=["POST"], include_in_schema=False)

    async def ask(self, request: Request) -> Response:
        """The page with the question. Changes nothing."""
        link = self._ports.links.read(dict(request.query_params), self._ports.now())
        if not isinstance(link, JudgementLink):
            return self._refused(link)
        return HTMLResponse(self._pages.judgement("ask", link, person=self._ports.person(request)))

    async def act(self, request: Request) -> Response:
        """Takes what the form says; a second time from the same person by the same link changes nothing."""
        check_same_site(request)
        try:
            form = dict(parse_qsl((await read_body(request)).decode(), keep_blank_values=True))
        except ValueError as failure:
            raise HTTPException(422, "this is not the page's form") from failure
        link = self._ports.links.read(form, self._ports.now())
        if not isinstance(link, JudgementLink):
            return self._refused(link)
        person = self._ports.person(request) or form.get("author", "").strip()
        silence = next((one for one in SILENCES if one == form.get("silence")), SILENCES[1])
        if any(len(form.get(name, "")) > most for name, most in _MOST.items()):
            raise HTTPException(422, "too long")
        if not person:
            return HTMLResponse(self._pages.judgement("ask", link, nameless=True), 422)
        event = judged(
            link.incident_id,
            link.verdict,
            event_id=link.event_id(person),
            at=self._ports.now(),
            way="link",
            author=person,
            text=form.get("text", ""),
            silence=silence,
        )
        story = await self._ports.projection.story(link.incident_id)
        if story is None:
            return HTMLResponse(self._pages.missing(), 404)
        if any(known.event_id == event.event_id for known in story.events):
            return HTMLResponse(self._pages.judgement("again", link, person=person))
        await self._publisher.send(event)
        return HTMLResponse(self._pages.judgement("done", link, person=person))

    def _refused(self, why: str) -> Response:
        """Why the link is not honoured: 410 for one of yesterday, 403 for one that we did not make."""
        return HTMLResponse(self._pages.judgement(why), 410 if why == "expired" else 403)
