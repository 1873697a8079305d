"""One JSON question over HTTP, and what its failure means: it may pass, it was too large, or it is final.

Only `http` and `https` are spoken and no redirect is followed, because the key would travel with it. What a server
says is shown without the key.
"""

import json
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

from cosimo._extras import need
from cosimo.errors import CosimoError

PASSING = {408, 409, 425, 429}
"""Status codes below 500 that may change by themselves."""

LARGE = re.compile(r"too (?:large|long|many|big)|maximum|at most|exceed|limit|batch size", re.IGNORECASE)
"""How services say with a plain 400 that a batch is too large."""

READ = 100_000
"""Bytes of a server's message that are read, at least."""

SHOWN = 200
"""Characters of it that are shown."""


class Passing(Exception):
    """It may go well when it is tried again, after so many seconds if the server says how many."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class TooLarge(Exception):
    """The server wants less at once."""


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
        It will not go well the next time either; `MissingExtra` where httpx is not installed.
    """
    httpx = need("httpx", extra="remote")
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "cosimo"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    try:
        with (
            httpx.Client(timeout=timeout, verify=_system_certificates(), follow_redirects=False) as client,
            client.stream("POST", url, content=json.dumps(content).encode(), headers=headers) as response,
        ):
            if response.is_success:
                return json.loads(response.read())
            said = _said(_start(response, httpx.HTTPError))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise Passing(f"{type(error).__name__}: {error}") from error
    except ImportError as error:  # a SOCKS proxy wants another package
        raise CosimoError(str(error)) from error
    raise _meaning(response, said.replace(key, "***") if key else said)


@cache
def _system_certificates() -> ssl.SSLContext:
    """The authorities that this system trusts, a company's own among them; httpx alone would bring a list."""
    return ssl.create_default_context()


def _meaning(response: Any, said: str) -> Exception:
    code = response.status_code
    reason = f"{code} {response.reason_phrase}" + (f", {said}" if said else "")
    if code in PASSING or code >= 500:
        return Passing(reason, _seconds(response.headers.get("Retry-After")))
    if code == 413 or (code in (400, 422) and LARGE.search(said)):
        return TooLarge(reason)
    if 300 <= code < 400:
        return CosimoError(f"it redirects to {response.headers.get('Location')}; give that address if you trust it")
    return CosimoError(reason)


def _start(response: Any, broken: type[Exception]) -> bytes:
    """The start of an error's body; nothing where that cannot be read."""
    body = b""
    try:
        for part in response.iter_bytes():
            body += part
            if len(body) >= READ:
                break
    except broken:
        return b""
    return body


def _said(body: bytes) -> str:
    """The message in the body of an error, on one line."""
    text = body.decode(errors="replace")
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
