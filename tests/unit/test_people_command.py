"""`throughline user` and `throughline key` on a data directory."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from services import cli_people
from shared.lock import Lock

RUN = CliRunner()


def user(data: Path, *words: str) -> tuple[int, str]:
    result = RUN.invoke(cli_people.users, [*words, "--data", str(data)])
    return result.exit_code, result.output


def key(data: Path, *words: str) -> tuple[int, str]:
    result = RUN.invoke(cli_people.keys, [*words, "--data", str(data)])
    return result.exit_code, result.output


def test_an_account_is_added_closed_and_listed(tmp_path: Path) -> None:
    code, said = user(tmp_path, "add", "housing-officer-1")
    assert code == 0
    assert "shown this once" in said
    assert user(tmp_path, "close", "housing-officer-1")[0] == 0
    listed = json.loads(user(tmp_path, "list", "--json")[1])
    assert listed == [{"person": "housing-officer-1", "closed": True}]
    assert user(tmp_path, "open", "housing-officer-1")[0] == 0
    assert json.loads(user(tmp_path, "list", "--json")[1])[0]["closed"] is False


def test_an_account_for_a_stranger_or_a_second_one_is_refused_with_what_to_do(tmp_path: Path) -> None:
    code, said = user(tmp_path, "add", "somebody-else")
    assert code == 1
    assert "add them to its file first" in said
    user(tmp_path, "add", "housing-officer-1")
    code, said = user(tmp_path, "add", "housing-officer-1")
    assert code == 1
    assert "user password housing-officer-1" in said
    code, said = user(tmp_path, "password", "housing-officer-2")
    assert code == 1
    assert "user list" in said


def test_a_key_is_shown_once_and_only_its_selector_later(tmp_path: Path) -> None:
    code, shown = key(tmp_path, "create", "front-desk", "--rights", "messages.submit,cases.read")
    assert code == 0
    secret = shown.strip()
    assert secret.startswith("tl_")
    code, listed = key(tmp_path, "list")
    selector = secret.split("_")[1]
    assert selector in listed
    assert "front-desk  cases.read, messages.submit" in listed
    assert secret.split("_")[2] not in listed
    assert key(tmp_path, "revoke", selector)[0] == 0
    assert json.loads(key(tmp_path, "list", "--json")[1])[0]["revoked"] is True
    assert key(tmp_path, "revoke", "000000000000")[0] == 1


def test_while_a_server_runs_on_the_directory_the_command_says_so_and_changes_nothing(tmp_path: Path) -> None:
    with Lock(tmp_path / "lock"):
        code, said = user(tmp_path, "add", "housing-officer-1")
        assert code == 1
        assert "in use" in said
        assert "stop the server" in said
    assert json.loads(user(tmp_path, "list", "--json")[1]) == []
