"""Which service answers which addresses: one set of paths in both modes, split by prefix where each runs on its own.

A reverse proxy takes the longest prefix that fits, by whole segments: `/cases` fits `/cases` and `/cases/K7QM`, not
`/casework`. A test keeps this equal to what the services serve.
"""

from __future__ import annotations

WAYS: dict[str, str] = {
    "/": "intake",
    "/v1/messages": "intake",
    "/v1/transcripts": "intake",
    "/v1/receipts": "intake",
    "/v1/balance": "intake",
    "/v1/quarantine": "intake",
    "/v1/dead/intake": "intake",
    "/received": "intake",
    "/write": "intake",
    "/quarantine": "intake",
    "/v1/cases": "routing",
    "/v1/organisation": "routing",
    "/v1/erasures": "routing",
    "/v1/holds": "routing",
    "/v1/track": "routing",
    "/v1/sign-in": "routing",
    "/v1/sign-out": "routing",
    "/v1/session": "routing",
    "/v1/password": "routing",
    "/v1/dead": "routing",
    "/v1/dead/routing": "routing",
    "/cases": "routing",
    "/queue": "routing",
    "/decisions": "routing",
    "/track": "routing",
    "/sign-in": "routing",
    "/sign-out": "routing",
    "/account": "routing",
    "/v1/deliveries": "notify",
    "/v1/dead/notify": "notify",
    "/outbox": "notify",
    "/v1/proofs": "audit",
    "/v1/silence": "audit",
    "/v1/trail": "audit",
    "/trail": "audit",
    "/receipt": "audit",
    "/v1/dead/audit": "audit",
    "/console": "audit",
    "/v1/findings": "audit",
    "/v1/orders": "audit",
    "/v1/exclusions": "audit",
    "/v1/samples": "audit",
    "/v1/probes": "audit",
    "/findings": "audit",
    "/orders": "audit",
    "/exclusions": "audit",
    "/samples": "audit",
    "/probes": "audit",
}
"""By prefix. What every service has for itself (`/metrics`, `/healthz`, `/readyz`, `/openapi.json`, `/asyncapi.json`)
is asked of each at its own port; the style and script (`/static`) are the same everywhere."""


SERVICES = tuple(dict.fromkeys(WAYS.values()))
"""All of them, in the order in which a message comes by."""


def service_of(path: str) -> str:
    """Who answers a path."""
    while path not in WAYS:
        path = path.rpartition("/")[0] or "/"
    return WAYS[path]
