"""Who may judge what: people, and of what is not their own (mechanism M15). Pure."""

from __future__ import annotations

from shared.rights import Principal, Right, may


class Refused(Exception):
    """A rule does not allow it. `code` names the rule, `text` says it and what can be done."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


def supervises(principal: Principal) -> bool:
    """Whether somebody judges findings and issues orders."""
    return may(principal, Right.SUPERVISE)


def sees_all(principal: Principal) -> bool:
    """Whether findings and orders on all departments are open to somebody: supervisors and principal leaders."""
    return supervises(principal) or "principal" in principal.roles


def own(principal: Principal) -> frozenset[str]:
    """The departments that somebody works in, heads, or is the leader in charge of."""
    return principal.works_in | principal.leads


def must_be_impartial(principal: Principal, department: str | None, person: str | None = None) -> None:
    """Raises Refused for a program, for whoever it is about, and for those of the department concerned."""
    if principal.kind != "person":
        raise Refused(
            "people-decide", "A person decides this, signed in with their own account; no program does."
        )
    if person is not None and person == principal.id:
        raise Refused("about-yourself", "It is about you: another person decides.")
    if department is not None and department in own(principal) | {principal.department}:
        raise Refused(
            "own-department", f"You belong to {department}, which it concerns: somebody else decides."
        )
