"""Where a form comes from and how large it may be."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import HTTPException, Request

#: A form's bytes: its longest fields, encoded.
_FORM_BYTES = 16_384


def check_same_site(request: Request) -> None:
    """Raises HTTPException 403 for a form on another site: browsers say where a form comes from."""
    origin = request.headers.get("origin") or request.headers.get("referer") or ""
    same = urlsplit(origin).netloc == request.headers.get("host")
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin" or (
        origin and not same
    ):
        raise HTTPException(403, "this form belongs to another site")


async def read_body(request: Request) -> bytes:
    """The body. Raises HTTPException 413 for a large one."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_BYTES:
            raise HTTPException(413, "too long")
    return bytes(body)
