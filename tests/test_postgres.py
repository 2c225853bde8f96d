"""What is special about a store in PostgreSQL: who may see what, who owns what, and how the schema is made."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any

import pytest
from hashed_words import HashedWords

from personaopt.errors import StoreError
from personaopt.interaction import Interaction
from personaopt.memory import forgotten, open_store, postgres_schema
from personaopt.memory.forgotten import user_hash
from personaopt.memory.postgres_schema import APP_ROLE, TABLES
from personaopt.persona import Persona


def said(text, **values):
    return Interaction({"text": text}, **values)


@pytest.fixture
def database(new_database):
    return new_database()


@pytest.fixture
def as_superuser(database):
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def login(database, as_superuser):
    """Makes a role that may log in and nothing else, and gives the address to log in with."""
    names = []

    def make(name, grant=""):
        names.append(name)
        as_superuser.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret-{name}'")
        if grant:
            as_superuser.execute(grant)
        return database.replace("postgres:@", f"{name}:secret-{name}@", 1)

    yield make
    for name in names:
        as_superuser.execute(f"DROP OWNED BY {name} CASCADE")
        as_superuser.execute(f"DROP ROLE {name}")


def fill(store):
    for name in ("u", "v"):
        user = store.user(name)
        user.record([said(f"canary of {name} {number}") for number in range(3)])
        user.search("canary", 1)
        user.save_persona(Persona.from_text(f"Of {name}."), parent=0, author="a")
        store.start_run(name, "r", {})
        store.record_call(name, "r", "k", {"of": name})
        with store.transaction(name) as connection:
            connection.execute(
                "INSERT INTO facts (user_id, fact_id, first_seen, content) VALUES (?, 'f', 0, '{}')", (name,)
            )
            forgotten.note(connection, name, ["i"])


def test_a_query_without_where_sees_one_user(database):
    with open_store(database, embedder=HashedWords()) as store:
        fill(store)
        for name in ("u", "v"):
            with store.transaction(name) as connection:
                for table in TABLES:
                    owner, named = ("user_hash", user_hash(name)) if table == "forgotten" else ("user_id", name)
                    assert connection.execute(f"SELECT DISTINCT {owner} FROM {table}") == [(named,)], table
        with store.transaction("w") as connection:
            assert [connection.execute(f"SELECT * FROM {table}") for table in TABLES] == [[]] * len(TABLES)
        with store.transaction("u") as connection:
            for table in TABLES:
                connection.execute(f"DELETE FROM {table}")
        assert store.users() == ["v"]
        assert store.user("v").count() == 3
        assert store.recorded_calls("v", "r") == {"k": {"of": "v"}}


def test_rows_of_another_user_cannot_be_written(database):
    with open_store(database, embedder=HashedWords()) as store:
        fill(store)
        statements = (
            "INSERT INTO users (user_id, created) VALUES ('v2', 0)",
            "UPDATE interactions SET user_id = 'v'",
            "INSERT INTO personas SELECT 'v', 9, 1, persona, created, author, reason, edits FROM personas",
            "INSERT INTO embeddings (user_id, number, embedder, vector) VALUES ('v', 4, 'e', '')",
        )
        for statement in statements:
            with pytest.raises(StoreError, match="row-level security"), store.transaction("u") as connection:
                connection.execute(statement)
        # Numbers of another user's interactions, under one's own name: refused by the foreign key.
        with store.transaction("v", write=False) as connection:
            number = connection.execute("SELECT max(number) FROM interactions")[0][0]
        with pytest.raises(StoreError, match="foreign key"), store.transaction("u") as connection:
            connection.execute("INSERT INTO embeddings (number, embedder, vector) VALUES (?, 'e', '')", (number,))


def test_a_transaction_that_names_nobody_sees_nobody(database):
    with open_store(database, embedder=HashedWords()) as store:
        fill(store)
        with store._pool.connection() as raw:
            for table in TABLES:
                assert raw.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,)
        with store.transaction(None) as connection:
            assert len(connection.execute("SELECT user_id FROM users")) == 2
            for table in set(TABLES) - {"users"}:
                assert connection.execute(f"SELECT count(*) FROM {table}") == [(0,)]
            assert connection.execute("UPDATE users SET created = 0 RETURNING user_id") == []


def test_the_work_is_done_as_a_role_that_owns_nothing(database, as_superuser):
    with open_store(database) as store, store.transaction("u") as connection:
        assert connection.execute("SELECT current_user::text") == [(APP_ROLE,)]
        for statement in ("CREATE TABLE personaopt.x ()", "ALTER TABLE users DISABLE ROW LEVEL SECURITY"):
            with pytest.raises(Exception, match=r"permission denied|must be owner"), connection.raw.transaction():
                connection.execute(statement)
    flags = as_superuser.execute(
        "SELECT rolsuper, rolbypassrls, rolcanlogin, rolcreaterole FROM pg_roles WHERE rolname = %s", (APP_ROLE,)
    ).fetchone()
    assert flags == (False, False, False, False)
    query = "SELECT count(*) FROM pg_shdepend WHERE refobjid = %s::regrole AND deptype = 'o'"
    owned = as_superuser.execute(query, (APP_ROLE,))
    assert owned.fetchone() == (0,)


def test_a_login_that_is_a_member_uses_a_store_it_could_not_make(database, login):
    open_store(database).close()
    member = login("web_1", f"GRANT {APP_ROLE} TO web_1")
    with open_store(member) as store:
        store.user("u").record(said("x"))
        assert store.health()["integrity"] == "ok"
        assert "secret" not in repr(store)
    stranger = login("stranger")
    with pytest.raises(StoreError, match=f"GRANT {APP_ROLE}") as caught:
        open_store(stranger)
    assert "secret" not in str(caught.value)


def test_a_login_that_may_not_make_the_store_says_who_may(database, login):
    with pytest.raises(StoreError, match="owns the store opens it first"):
        open_store(login("web_2"))


def test_an_owner_that_is_no_superuser_makes_the_store(database, login, new_database):
    name = database.split("/store_")[1].split("?")[0]
    open_store(new_database()).close()  # so that the server knows the application role already
    owner = login("keeper", f"GRANT CREATE ON DATABASE store_{name} TO keeper; GRANT {APP_ROLE} TO keeper")
    with open_store(owner, embedder=HashedWords()) as store:
        fill(store)
        with store._pool.connection() as raw:  # even as the owner: security is forced
            raw.execute("RESET ROLE")
            assert raw.execute("SELECT current_user::text").fetchone() == ("keeper",)
            assert raw.execute("SELECT count(*) FROM personaopt.interactions").fetchone() == (0,)
            raw.execute(f"SET ROLE {APP_ROLE}")


def test_processes_that_make_a_store_at_once_do_it_once(database):
    stores, errors = [], []

    def work():
        try:
            stores.append(open_store(database))
        except StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for store in stores:
        store.close()


def test_a_newer_schema_and_one_of_another_application_are_refused(database, as_superuser, new_database):
    import psycopg

    open_store(database).close()
    as_superuser.execute("UPDATE personaopt.schema_version SET version = 99")
    with pytest.raises(StoreError, match="schema 99"):
        open_store(database)
    other = new_database()
    with psycopg.connect(other, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA personaopt CREATE TABLE songs (title text)")
        with pytest.raises(StoreError, match="another application"):
            open_store(other)
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'personaopt'").fetchone() == (1,)


@pytest.mark.parametrize(
    "weaken",
    [
        "ALTER TABLE personaopt.interactions NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE personaopt.personas DISABLE ROW LEVEL SECURITY",
        f"ALTER TABLE personaopt.runs OWNER TO {APP_ROLE}",
    ],
)
def test_a_database_that_would_not_keep_users_apart_is_refused(database, as_superuser, weaken):
    with open_store(database) as store:
        as_superuser.execute(weaken)
        assert store.health()["integrity"] != "ok"
    with pytest.raises(StoreError, match="keep its users apart"):
        open_store(database)


def test_errors_quote_no_rows(database):
    with open_store(database) as store:
        store.user("u").record(said("private words", id="secret-id"))
        with pytest.raises(StoreError) as caught, store.transaction("u") as connection:
            connection.execute("INSERT INTO interactions SELECT * FROM interactions")
        with pytest.raises(StoreError) as second, store.transaction("u") as connection:
            connection.execute(
                "INSERT INTO interactions (interaction_id, time, content, content_hash) "
                "SELECT interaction_id, time, content, content_hash FROM interactions"
            )
        for error in (caught.value, second.value):
            assert "private" not in str(error)
            assert "secret-id" not in str(error)
            assert error.__suppress_context__


def test_a_server_that_hung_up_is_reported_and_then_used_again(database, as_superuser):
    with open_store(database) as store:
        store.user("u").record(said("before"))
        as_superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with pytest.raises(StoreError):
            store.user("u").count()
        assert store.user("u").count() == 1


@pytest.mark.parametrize("address", ["postgresql://127.0.0.1:1/none?connect_timeout=2", "postgresql://h/d?nonsense=1"])
def test_a_server_that_is_not_there(address):
    with pytest.raises(StoreError) as caught:
        open_store(address)
    assert "\n" not in str(caught.value)


def test_without_the_driver_the_extra_is_named():
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from personaopt.memory import open_store\n"
        "try: open_store('postgresql://h/d')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("StoreError")
    assert "personaopt[postgres]" in done.stdout


def test_a_store_of_schema_2_is_brought_up_to_date(database, as_superuser, monkeypatch):
    with monkeypatch.context() as older:
        older.setattr(postgres_schema, "SCHEMA", 2)
        older.setattr(postgres_schema, "MIGRATIONS", {2: postgres_schema.MIGRATIONS[2]})
        postgres_schema.migrate(as_superuser, "older")
    content = json.dumps({"inputs": {"text": "tea"}, "response": {}, "ground_truth": {"tag": "é"}, "metadata": {}})
    persona = json.dumps(Persona.from_text("Likes tea.").to_dict())
    for user in ("u", "v"):
        as_superuser.execute("INSERT INTO personaopt.users (user_id, created) VALUES (%s, 1.5)", (user,))
        as_superuser.execute(
            "INSERT INTO personaopt.interactions (user_id, interaction_id, time, content, content_hash) "
            "VALUES (%s, 'i', 3, %s, '')",
            (user, content),
        )
        as_superuser.execute(
            "INSERT INTO personaopt.personas (user_id, version, persona, created, author, reason, edits) "
            "VALUES (%s, 1, %s, 2.5, 'me', 'why', '[]')",
            (user, persona),
        )
    stores: list[Any] = []
    threads = [threading.Thread(target=lambda: stores.append(open_store(database))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stores) == 4
    for store in stores:
        for user in map(store.user, "uv"):
            assert user.interaction("i").ground_truth["tag"] == "é"
            assert user.personas()[0].persona.render() == "- Likes tea."
            user.record(said("new", id=f"new {id(store)}"))
        assert store.health()["integrity"] == "ok"
        store.close()
