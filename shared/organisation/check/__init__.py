"""Whether the parts of an organisation fit together: one generator a rule."""

from __future__ import annotations

from collections.abc import Callable

from shared.organisation.check import ladders, limits, posts, words
from shared.organisation.check.found import Found
from shared.organisation.model import Organisation
from shared.organisation.source import Fault, Source

_RULES: tuple[Callable[[Organisation], Found], ...] = (
    posts.ids_stand_once,
    posts.posts_name_people,
    posts.nobody_stands_in_for_themselves,
    posts.departments_are_known,
    posts.people_are_where_they_work,
    posts.parents_make_no_circle,
    posts.chosen_posts_are_filled,
    posts.postings_are_clear,
    ladders.rungs_name_somebody,
    ladders.rungs_are_in_order,
    ladders.ladders_are_used,
    limits.cases_have_limits,
    limits.special_limits_name_duties,
    limits.special_limits_take_effect,
    words.duties_are_claimed_once,
    words.urgent_words_are_long_enough,
    words.texts_have_all_languages,
    words.days_are_closed_or_worked,
    words.terms_are_ours,
)


def faults_of(organisation: Organisation, source: Source) -> list[Fault]:
    """Everything that does not fit, by line."""
    return [source.fault(*found) for rule in _RULES for found in rule(organisation)]
