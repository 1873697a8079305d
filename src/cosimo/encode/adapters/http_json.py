"""One JSON question over HTTP, and what its failure means: it may pass, it was too large, or it is final.

Only `http` and `https` are spoken and no redirect is followed, because the key would travel with it. What a server
says is shown without the key.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from cosimo.errors import CosimoError

PASSING = {408, 409, 425, 429}
"""Status codes below 500 that may change by themselves."""

LARGE = re.compile(r"too (?:large|long|many|big)|maximum|at most|exceed|limit|batch size", re.IGNORECASE)
"""How services say with a plain 400 that a batch is too large."""

SHOWN = 200
"""Characters of a server's message that are shown."""


class Passing(Exception):
    """It may go well when it is tried again, after so many seconds if the server says how many."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class TooLarge(Exception):
    """The server wants less at once."""


class _NoRedirect(HTTPRedirectHandler):
    """Leaves a redirect as the error that it is."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        return None


def post(url: str, content: Mapping[str, Any], *, key: str | None, timeout: float) -> Any:
    """The JSON that the server answers.

    key
        Sent as a bearer token.
    timeout
        Seconds without a sign of life.

    Raises
    ------
    Passing, TooLarge
        See there.
    CosimoError
        It will not go well the next time either.
    """
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "cosimo"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = Request(url, json.dumps(content).encode(), headers, method="POST")
    try:
        with build_opener(_NoRedirect).open(request, timeout=timeout) as response:
            return json.load(response)
    except HTTPError as error:
        with error:
            said = _said(error)
        raise _meaning(error, said.replace(key, "***") if key else said) from None
    except (OSError, HTTPException, ValueError) as error:
        raise Passing(f"{type(error).__name__}: {error}") from error


def _meaning(error: HTTPError, said: str) -> Exception:
    reason = f"{error.code} {error.reason}" + (f", {said}" if said else "")
    if error.code in PASSING or error.code >= 500:
        return Passing(reason, _seconds(error.headers.get("Retry-After")))
    if error.code == 413 or (error.code in (400, 422) and LARGE.search(said)):
        return TooLarge(reason)
    if 300 <= error.code < 400:
        return CosimoError(f"it redirects to {error.headers.get('Location')}; give that address if you trust it")
    return CosimoError(reason)


def _said(error: HTTPError) -> str:
    """The message in the body of an error, on one line."""
    try:
        text = error.read(100_000).decode(errors="replace")
    except (OSError, HTTPException):
        return ""
    try:
        found = json.loads(text)
        found = found.get("error", found)
        text = str(found.get("message", found)) if isinstance(found, dict) else str(found)
    except (ValueError, AttributeError):
        pass  # no JSON, or none that says more than its text
    return " ".join(text.split())[:SHOWN]


def _seconds(after: str | None) -> float | None:
    """The seconds that a `Retry-After` header names, as a number or as a date."""
    if not after:
        return None
    try:
        return max(0.0, float(after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
