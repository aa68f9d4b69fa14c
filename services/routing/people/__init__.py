"""Who may sign in: accounts of the organisation's people, keys of its machines."""

from services.routing.people.account import AccountRefused
from services.routing.people.api import router
from services.routing.people.people import People
from services.routing.people.samples import ensure_sample_users
from shared.rights.accounts import ACCOUNTS, KEYS

COLLECTIONS = (ACCOUNTS, KEYS)

__all__ = ["COLLECTIONS", "AccountRefused", "People", "ensure_sample_users", "router"]
