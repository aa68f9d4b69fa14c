"""The pages of supervision (M15, M32): findings, orders, exclusions, samples, probes."""

from __future__ import annotations

from services.audit.supervision.pages.routes import router

__all__ = ["router"]
