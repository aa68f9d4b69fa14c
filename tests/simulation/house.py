"""What is made once for all seeds, and what stands in for what a simulation may not touch.

Organisation, desk and keys are the same for every seed. Routes are not built: commands go to what stands behind them.
Random bytes come from the seed, argon2 is left out (it is slow by purpose, and not ours).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import structlog
from fastapi.routing import APIRouter

from services.audit import projector, trail
from services.audit.following import follower
from services.audit.log_keys import NEXT
from services.notify import front
from services.notify.channels import email
from services.notify.rendering import Rendering
from services.routing.desk import Desk
from shared import ids, slow_hash, timers
from shared.bus import embedded as embedded_bus
from shared.keys import Keys
from shared.organisation import Organisation, load
from shared.settings import SAMPLE_ORGANISATION
from shared.tokens import Tokens
from shared.web import words
from tests.simulation.audit import FaultyDisk, FaultyIndex, FaultyMemory, FaultyProjection
from tests.simulation.baton import Asked
from tests.simulation.loop import Loop
from tests.simulation.post import ModelSender


@cache
def organisation() -> Organisation:
    """The sample organisation."""
    return load(SAMPLE_ORGANISATION)


def zone() -> ZoneInfo:
    """The time of its offices."""
    return ZoneInfo(organisation().hours.zone)


_desks: dict[str, Desk] = {}


def desk(organisation: Organisation) -> Desk:
    """An organisation's desk, which is dear to make, as if it were new."""
    if organisation.version not in _desks:
        _desks[organisation.version] = Desk(organisation)
    _desks[organisation.version]._remembered.clear()
    return _desks[organisation.version]


def _secret(_: Keys, name: str) -> bytes:
    """A key of the installation: the same in every run, and no file."""
    return hashlib.sha256(name.encode()).digest()


def _has(_: Keys, name: str) -> bool:
    """All keys but one: none takes over the log's."""
    return name != NEXT


_renderings: dict[tuple[str, str], Rendering] = {}


def _rendering(organisation: Organisation, url: str, tokens: Tokens) -> Rendering:
    """What makes letters: its templates are dear to compile, and the same for all worlds of an organisation."""
    key = (organisation.version, url)
    if key not in _renderings:
        _renderings[key] = Rendering(organisation, url, tokens)
    return _renderings[key]


_loads = cache(tomllib.loads)
"""The words of pages, which each start of a service reads again."""

_flattened: dict[tuple[int, str], list[tuple[str, str]]] = {}


def _flat(tree: dict[str, Any], prefix: str, flat: Any = words._flat) -> list[tuple[str, str]]:
    """Them, by their whole names; the trees are those that `_loads` keeps."""
    known = (id(tree), prefix)
    if known not in _flattened:
        _flattened[known] = list(flat(tree, prefix))
    return _flattened[known]


class _Hasher:
    """In argon2's place."""

    def hash(self, secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()

    def verify(self, kept: str, secret: str) -> bool:
        return kept == self.hash(secret)


def _no_route(*_: Any, **__: Any) -> None:
    """Making routes takes longer than a seed."""


@contextmanager
def patched(random: Random, loop: Loop, log: structlog.types.Processor | None) -> Iterator[None]:
    """While this lasts, nothing of the house touches the machine's clock, threads, or randomness."""
    before = structlog.get_config()
    structlog.configure(
        processors=[log or _drop],
        wrapper_class=structlog.make_filtering_bound_logger(0 if log else logging.CRITICAL),
        cache_logger_on_first_use=False,
    )
    with (
        patch.object(asyncio, "run_coroutine_threadsafe", Asked),
        patch.object(tomllib, "loads", _loads),
        patch.object(words, "_flat", _flat),
        patch.object(ids, "_random", SimpleNamespace(take=random.randbytes)),
        patch.object(Keys, "_secret", _secret),
        patch.object(Keys, "has", _has),
        patch.object(slow_hash, "_HASHER", _Hasher()),
        patch.object(APIRouter, "add_api_route", _no_route),
        patch("services.routing.Desk", desk),
        patch.object(front, "OutboxSender", lambda _: None),
        patch.object(email, "Rendering", _rendering),
        patch.object(trail, "time", SimpleNamespace(monotonic=loop.time)),
        patch.object(trail, "LogWriter", FaultyDisk.writer),
        patch.object(trail, "Index", FaultyIndex),
        patch.object(projector, "time", SimpleNamespace(monotonic=loop.time)),
        patch.object(projector, "Projection", FaultyProjection),
        patch.object(follower, "Memory", FaultyMemory),
        patch.object(timers, "LOOK_EVERY", timedelta(seconds=3)),
        patch.object(embedded_bus, "CURSOR_EVERY", 0.5),
    ):
        try:
            yield
        finally:
            structlog.configure(**before)


def _drop(*_: Any) -> Any:
    raise structlog.DropEvent


def sender(made: ModelSender) -> Any:
    """Let the next notify that is built send by this."""
    return patch.object(front, "OutboxSender", lambda _: made)
