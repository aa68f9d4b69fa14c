"""What people read of the checks, in each language: `words.toml` beside this file."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

Unit = Literal["seconds", "count", "basis_points", "yes"]
_FILE = Path(__file__).with_name("words.toml")


class FigureWords(BaseModel):
    """What a number is called, and what it counts; `yes` is 1 where it is so."""

    model_config = ConfigDict(frozen=True)

    name: str
    unit: Unit


class CheckWords(BaseModel):
    """What a check is called, what it means, and what its numbers are called, by their names in findings."""

    model_config = ConfigDict(frozen=True)

    title: str
    meaning: str
    figures: dict[str, FigureWords] = {}


@cache
def check_words(language: str) -> dict[str, CheckWords]:
    """The words of every check, by its name. Raises KeyError for a language that is none of ours."""
    read = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {
        name: CheckWords(
            **said[language],
            figures={
                figure: FigureWords(name=called[language], unit=called["unit"])
                for figure, called in said.get("figures", {}).items()
            },
        )
        for name, said in read.items()
    }
