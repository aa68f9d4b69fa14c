"""Checks over a whole log, with other parameters than those that hold: from its entries alone, raising nothing."""

from services.audit.checking.outcome import Asked, Outcome
from services.audit.checking.run import run_over

__all__ = ["Asked", "Outcome", "run_over"]
