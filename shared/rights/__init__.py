"""Who may do and see what: one pure policy, and the gate at every route that keeps it. Default deny."""

from shared.rights.gate import (
    Gate,
    UnguardedRoute,
    check_routes,
    guard_of,
    install,
    local_path,
    requires,
    rights_of_routes,
    sign_in_path,
)
from shared.rights.policy import (
    GRANTABLE,
    RIGHTS_OF_ROLE,
    Principal,
    Right,
    machine,
    may,
    may_handle_case,
    may_see_case,
    may_see_sender,
    nobody,
    person,
    sees_all_cases,
)
from shared.rights.sessions import Session, Sessions

__all__ = [
    "GRANTABLE",
    "RIGHTS_OF_ROLE",
    "Gate",
    "Principal",
    "Right",
    "Session",
    "Sessions",
    "UnguardedRoute",
    "check_routes",
    "guard_of",
    "install",
    "local_path",
    "machine",
    "may",
    "may_handle_case",
    "may_see_case",
    "may_see_sender",
    "nobody",
    "person",
    "requires",
    "rights_of_routes",
    "sees_all_cases",
    "sign_in_path",
]
