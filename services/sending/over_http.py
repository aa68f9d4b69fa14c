"""Records and transcripts over Throughline's HTTP API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from .balance import Outcome
from .patience import Patience

BATCH = 100
"""Messages in one POST, the most the API takes."""

_SHUT = {429, 502, 503, 504}
_BROKEN_TRIES = 3
"""Tries of a request that makes the server fail (500): the request itself may be why."""

_NOT_ALLOWED = {401, 403}


class HttpDoor:
    """POST /v1/messages and /v1/transcripts, tried again while the door is busy; all ends as an `Outcome`."""

    def __init__(self, client: httpx.AsyncClient, patience: Patience) -> None:
        self._client = client
        self._patience = patience

    async def messages(self, bodies: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """An outcome for each body, in order; each has an `external_id`, by which a repeat is known.

        A batch refused as a whole is halved until what is wrong stands alone.
        """
        answer = await self._post("/v1/messages", json=list(bodies))
        if isinstance(answer, Outcome):
            if len(bodies) > 1 and (answer.end == "refused" or answer.reason == "server_error"):
                half = len(bodies) // 2
                return await self.messages(bodies[:half]) + await self.messages(bodies[half:])
            return [answer] * len(bodies)
        items = answer if isinstance(answer, list) else [answer]
        if len(items) != len(bodies):
            return [_not_understood(f"{len(items)} answers to {len(bodies)} messages")] * len(bodies)
        return [outcome_of(item) for item in items]

    async def transcript(self, raw: bytes, content_type: str, about: Mapping[str, str], key: str) -> Outcome:
        """One call's transcript; `about` is what is known of the call (`call_id`, `language` …)."""
        headers = {"Content-Type": content_type, "Idempotency-Key": key}
        answer = await self._post("/v1/transcripts", content=raw, params=dict(about), headers=headers)
        return answer if isinstance(answer, Outcome) else outcome_of(answer)

    async def _post(self, path: str, **request: Any) -> Any:
        """The decoded 2xx answer, or the outcome when there is none."""
        why, attempt = "", 0
        while attempt < self._patience.tries and not self._patience.given_up:
            attempt += 1
            asked = None
            try:
                response = await self._client.post(path, **request)
            except httpx.TransportError as error:
                why = f"{self._client.base_url} can't be reached: {error or type(error).__name__}."
            else:
                if response.status_code not in _SHUT and (
                    response.status_code != 500 or attempt == _BROKEN_TRIES
                ):
                    return self._answer(response)
                why = f"{self._client.base_url} answers {response.status_code}: {_problem(response).detail}."
                asked = _seconds(response.headers.get("Retry-After"))
            if attempt < self._patience.tries:
                await self._patience.wait(attempt, why, asked)
        self._patience.give_up(why)
        return Outcome("not_sent", "door_shut", self._patience.given_up)

    def _answer(self, response: httpx.Response) -> Any:
        if response.status_code in _NOT_ALLOWED:
            problem = _problem(response)
            self._patience.give_up(
                f"Not allowed ({response.status_code}): {problem.detail or 'check --key'}."
            )
            return Outcome("not_sent", "not_allowed", self._patience.given_up)
        if response.is_success:
            try:
                return response.json()
            except ValueError:
                return _not_understood("not JSON")
        if response.is_client_error:
            return _problem(response)
        if response.status_code == 500:
            return Outcome("not_sent", "server_error", f"The server failed: {_problem(response).detail}")
        return _not_understood(f"status {response.status_code}")


def outcome_of(item: Any) -> Outcome:
    """One item of a 202 answer."""
    if not isinstance(item, dict):
        return _not_understood("an item is not an object")
    end = item.get("outcome", "accepted")
    if end not in ("accepted", "quarantined", "refused"):
        return _not_understood(f"outcome {str(end)[:40]!r}")
    message_id = item.get("message_id")
    return Outcome(
        end,
        str(item.get("reason") or ("" if end == "accepted" else "unstated")),
        str(item.get("detail") or ""),
        message_id if isinstance(message_id, str) else None,
        item.get("receipt"),
    )


def _problem(response: httpx.Response) -> Outcome:
    """A problem document (RFC 9457) as a refusal, or as the quarantine it says it is."""
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    kind = str(problem.get("type") or "").rstrip("/").rpartition("/")[2]
    kind = "" if kind == "about:blank" else kind
    reason = str(problem.get("reason") or problem.get("code") or kind or f"http_{response.status_code}")
    detail = str(problem.get("detail") or problem.get("title") or response.reason_phrase)
    return Outcome("quarantined" if problem.get("outcome") == "quarantined" else "refused", reason, detail)


def _not_understood(what: str) -> Outcome:
    return Outcome("not_sent", "answer_not_understood", f"The answer isn't that of a Throughline: {what}.")


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
