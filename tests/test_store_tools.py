"""Which tools a user's agents may call, in every kind of store."""

from __future__ import annotations

import json
import threading

import pytest

from personaopt.errors import DataError, StoreError
from personaopt.interaction import Interaction
from personaopt.memory import open_store
from personaopt.memory.permissions import MOST_TOOLS
from personaopt.memory.portability import _checksum


def test_tools_are_allowed_and_forbidden_for_one_user(store):
    user, other = store.user("u"), store.user("v")
    assert user.allowed_tools == []
    assert store.users() == []
    user.allow_tools("search", "mail/send", "wörter")
    user.allow_tools("search", "archive")
    assert user.allowed_tools == ["archive", "mail/send", "search", "wörter"]
    user.forbid_tools("search", "never allowed")
    assert user.allowed_tools == ["archive", "mail/send", "wörter"]
    assert other.allowed_tools == []
    other.forbid_tools("archive")
    assert user.allowed_tools == ["archive", "mail/send", "wörter"]
    user.allow_tools("recall")  # is always there, and need not be kept
    assert user.allowed_tools == ["archive", "mail/send", "wörter"]


def test_it_is_kept(address):
    with open_store(address) as store:
        store.user("u").allow_tools("search")
        store.user("u").record(Interaction({"text": "a"}))
    with open_store(address) as store:
        assert store.user("u").allowed_tools == ["search"]


def test_what_is_no_name(store):
    user = store.user("u")
    user.allow_tools("search")
    for name in ("", " ", 3, None, "x" * 600, "\ud800", "a\x00b"):
        with pytest.raises(DataError):
            user.allow_tools("other", name)
        with pytest.raises(DataError):
            user.forbid_tools("search", name)
    assert user.allowed_tools == ["search"]


def test_what_is_always_there_cannot_be_forbidden(store):
    with pytest.raises(DataError, match="'recall' looks into the user's own memory"):
        store.user("u").forbid_tools("recall")
    with pytest.raises(DataError, match="1,001 tools"):
        store.user("u").allow_tools(*map(str, range(MOST_TOOLS + 1)))
    with pytest.raises(DataError, match="one by one"):
        store.change_tools("u", allow="search")


def test_changes_at_once_lose_nothing(store):
    user = store.user("u")
    threads = [threading.Thread(target=user.allow_tools, args=(f"tool{number}",)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(user.allowed_tools) == 12


def test_it_is_forgotten_with_the_user(store):
    store.user("u").allow_tools("search")
    store.user("v").allow_tools("search")
    store.forget("u")
    assert store.user("u").allowed_tools == []
    assert store.user("v").allowed_tools == ["search"]
    assert store.users() == ["v"]


def test_it_travels_with_the_user(store, tmp_path):
    user = store.user("u")
    user.allow_tools("search", "archive")
    path = user.export_data(tmp_path / "u.json")
    with open_store(":memory:") as other:
        other.import_data(path)
        assert other.user("u").allowed_tools == ["archive", "search"]
        other.user("u").forbid_tools("archive", "search")
        other.import_data(path)
        assert other.user("u").allowed_tools == []  # what was said here holds


def test_a_file_of_before_says_nothing(store, tmp_path):
    path = store.user("u").export_data(tmp_path / "u.json")
    document = json.loads(path.read_text())
    del document["content"]["allowed_tools"]
    document["checksum"] = _checksum(document["content"])
    path.write_text(json.dumps(document))
    store.user("u").allow_tools("search")
    store.import_data(path)
    assert store.user("u").allowed_tools == ["search"]


def test_a_file_with_a_wrong_list_is_refused(store, tmp_path):
    path = store.user("u").export_data(tmp_path / "u.json")
    document = json.loads(path.read_text())
    for wrong in ("search", 3, [3], [""]):
        document["content"]["allowed_tools"] = wrong
        document["checksum"] = _checksum(document["content"])
        path.write_text(json.dumps(document))
        with pytest.raises(DataError, match="nothing was imported"):
            store.import_data(path)


def test_a_damaged_list_allows_nothing(store):
    store.user("u").allow_tools("search")
    with store.transaction("u") as connection:
        connection.execute("UPDATE users SET allowed_tools = ? WHERE user_id = ?", ("not JSON", "u"))
    with pytest.raises(StoreError, match="are damaged"):
        _ = store.user("u").allowed_tools
