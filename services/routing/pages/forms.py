"""The forms of a case's page: which fields each command has, and what they say for the case at hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from services.routing.commands import TABLE
from services.routing.shapes import ShownCase
from shared.events.cases import CaseClass, DeclineReason, PauseReason, ReturnReason
from shared.events.messages import Kind

CONSULTED = ("head", "leader", "principal", "group", "supervisors", "coordinator")
"""Posts that are asked for an opinion."""
HINTED = frozenset({"assign", "uphold-return", "transfer"})
"""Commands that start a department's limits: beside each department stands when they would end."""

Look = Literal[
    "text", "line", "choice", "radio", "check", "department", "duty", "office", "way", "options", "files"
]
"""How a field looks. `office`: a department or a post. `way`: one of the options that were put to somebody."""


@dataclass(frozen=True)
class Field:
    """One field of a form. Its label, its help and its choices are keys of the words."""

    name: str
    look: Look
    label: str
    help: str = ""
    choices: Sequence[tuple[str, str]] = ()
    rows: int = 3
    required: bool = False
    usual: str = ""
    among: Sequence[str] = ()
    """The departments to choose from."""


@dataclass(frozen=True)
class Form:
    """A command's form on the page."""

    command: str
    word: str
    fields: Sequence[Field]
    hidden: Mapping[str, str] = field(default_factory=dict)
    about: str = ""
    """The id of the obligation that it is about, where there can be several."""

    @property
    def has_files(self) -> bool:
        """Whether files can be chosen in it."""
        return any(one.look == "files" for one in self.fields)

    @property
    def id(self) -> str:
        """Unique on the page."""
        return f"{self.command}-{self.about}" if self.about else self.command


def _words(label: str, rows: int = 3) -> Field:
    return Field("text", "text", label, rows=rows)


def _choice(name: str, label: str, prefix: str, values: Sequence[str]) -> Field:
    return Field(name, "choice", label, choices=[(value, f"{prefix}.{value}") for value in values])


_NOTE = _words("case.note")
_REASON = _words("case.reason_words")
_FILES = Field("files", "files", "case.given_files", "case.given_files_help")
_DEPARTMENT = Field("department", "department", "term.department")
_OTHER_CASE = Field("into", "line", "case.other_ref", "case.other_ref_help")
_CLASS = _choice("case_class", "case.class", "class", get_args(CaseClass))
_YES_NO = (("true", "case.yes"), ("false", "case.no"))

FIELDS: Mapping[str, Sequence[Field]] = {
    "accept": (),
    "return": (
        replace(_choice("reason", "case.reason", "return", get_args(ReturnReason)), usual="not_responsible"),
        Field("proposed", "department", "case.proposed"),
        _REASON,
    ),
    "uphold-return": (_DEPARTMENT, _NOTE),
    "refuse-return": (_REASON,),
    "assign": (_DEPARTMENT, _words("case.to_department")),
    "transfer": (_DEPARTMENT, _words("case.to_department")),
    "classify": (
        _choice("kind", "case.kind", "kind", get_args(Kind)),
        Field("category", "duty", "case.category"),
        Field("urgent", "choice", "case.urgent", choices=_YES_NO),
        _CLASS,
        _NOTE,
    ),
    "contact": (
        Field(
            "outcome",
            "radio",
            "case.outcome",
            choices=(
                ("reached", "case.reached"),
                ("not_reached", "case.not_reached"),
                ("refused", "case.call_refused"),
            ),
        ),
        Field("site_visit", "check", "case.site_visit"),
        _NOTE,
    ),
    "ask": (_words("case.question"), Field("suspends", "check", "case.suspends")),
    "assist": (_DEPARTMENT, _words("case.assist_words")),
    "contribute": (_words("case.contribution", 5), _FILES),
    "decline-assist": (_REASON,),
    "release-assist": (_DEPARTMENT, _NOTE),
    "suspend": (
        _choice("reason", "case.reason", "pause", [one for one in get_args(PauseReason) if one != "sender"]),
        Field("limit", "line", "case.limit", "case.limit_help"),
        _REASON,
    ),
    "resume": (_NOTE,),
    "extend": (_REASON,),
    "grant-extension": (_NOTE,),
    "refuse-extension": (_REASON,),
    "urge": (_NOTE,),
    "escalate": (
        replace(_CLASS, label="case.escalate_class"),
        _words("case.matter"),
        Field("options", "options", "case.options", "case.options_help"),
    ),
    "consult": (
        Field("to", "office", "case.consult_to"),
        _words("case.matter"),
        Field("options", "options", "case.options", "case.options_help"),
    ),
    "advise": (Field("choice", "way", "case.choice"), _words("case.advice", 4)),
    "answer": (
        _words("case.answer_text", 8),
        Field(
            "final",
            "radio",
            "case.final",
            choices=(("true", "case.final_yes"), ("false", "case.final_no")),
            usual="true",
        ),
        Field("resolved", "check", "case.resolved"),
    ),
    "answer-directly": (_words("case.answer_text", 6),),
    "sign-off": (),
    "send-back": (_words("case.missing"),),
    "resolve": (_words("case.evidence"), _FILES),
    "inspect": (
        Field(
            "passed",
            "radio",
            "case.passed",
            choices=(("true", "case.passed_yes"), ("false", "case.passed_no")),
        ),
        _NOTE,
        _FILES,
    ),
    "review": (
        Field(
            "outcome",
            "radio",
            "case.review",
            choices=[(one, f"review.{one}") for one in ("reopened", "followed_up", "upheld")],
        ),
        _words("case.review_words", 4),
    ),
    "decline": (
        _choice("reason", "case.reason", "decline", get_args(DeclineReason)),
        _words("case.decline_words", 4),
    ),
    "close": (_words("case.close_words"),),
    "reopen": (_REASON,),
    "merge": (_OTHER_CASE, _NOTE),
    "link": (replace(_OTHER_CASE, name="to"),),
    "explain": (_words("case.explanation", 5),),
    "rectify": (_words("case.put_right", 5), _FILES),
    "split": (
        _words("case.part_words", 4),
        _choice("kind", "case.kind", "kind", get_args(Kind)),
        Field("department", "department", "case.part_department"),
    ),
}
"""The fields of each command's form, in their order."""


@dataclass(frozen=True)
class Room:
    """What a form's choices depend on besides the case."""

    departments: Sequence[str]
    classes: Sequence[str]
    """Classes that the organisation has somebody for."""
    works_in: frozenset[str]


def forms(case: ShownCase, command: str, room: Room) -> Iterator[Form]:
    """The forms of a command: one, or one for each thing of its kind that the person owes."""
    fields = [_fitted(one, command, case, room) for one in FIELDS[command]]
    form = Form(command, _word(command, case), fields)
    match command:
        case "advise":
            for opinion in case.opinions:
                if any(owed.id == opinion.id and owed.yours for owed in case.obligations):
                    ways = [(str(n), one.name) for n, one in enumerate(opinion.options, 1)]
                    fitted = [replace(one, choices=ways) if one.look == "way" else one for one in fields]
                    yield replace(form, fields=fitted, hidden={"opinion": opinion.id}, about=opinion.id)
        case "contribute" | "decline-assist":
            for assist in case.assists:
                if assist.state == "open" and assist.department in room.works_in:
                    yield replace(form, hidden={"department": assist.department}, about=assist.id)
        case "explain" | "rectify":
            for owed in case.obligations:
                if owed.kind == command and owed.yours and owed.about:
                    hidden = {"finding" if command == "explain" else "order": owed.about}
                    yield replace(form, hidden=hidden, about=owed.id)
        case _:
            yield form


def _word(command: str, case: ShownCase) -> str:
    if command == "assign" and case.state != "new":
        return "command.reassign"
    if command == "contact" and case.state == "answered":
        return "command.callback"
    if command == "answer" and case.draft is not None:
        return "command.answer_anew"
    return f"command.{command}"


def _fitted(one: Field, command: str, case: ShownCase, room: Room) -> Field:
    """A field as the case has it."""
    needed = TABLE[command].command.model_fields[one.name].is_required()
    fitted = replace(one, required=needed or bool(one.usual))
    if one.look in {"department", "office"}:
        there = [id for id in room.departments if id != case.department]
        if command == "release-assist":
            there = [assist.department for assist in case.assists if assist.state == "open"]
        usual = _proposed(case) if command == "uphold-return" else ""
        return replace(fitted, among=there, usual=usual)
    if one is FIELDS["escalate"][0]:
        return replace(fitted, choices=[pair for pair in one.choices if pair[0] in room.classes])
    return fitted


def _proposed(case: ShownCase) -> str:
    """The department that whoever returned the case last thinks responsible."""
    returned = [entry for entry in case.timeline if entry.type.endswith(".returned")]
    return str(returned[-1].data.get("proposed", "")) if returned else ""
