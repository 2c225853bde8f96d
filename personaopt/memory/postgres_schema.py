"""The tables of a store in PostgreSQL, who owns them, and who may do what.

Two roles share the work. The **owner** makes and migrates the schema `personaopt`; no data is read or written as the
owner. The **application role** `personaopt_app` owns nothing and cannot log in; whoever opens a store must be a member
of it and works as it. Row-level security is on and forced on every table with rows of users: a transaction that has
not said whose rows it is about sees none, and one that has sees those of that user alone, whatever its queries ask.
"""

from __future__ import annotations

from typing import Any

from personaopt.errors import StoreError
from personaopt.memory.schema import SCHEMA

APP_ROLE = "personaopt_app"
NAMESPACE = "personaopt"
_OLDEST = ("users", "interactions", "embeddings", "personas", "runs", "run_calls")
TABLES = (*_OLDEST, "facts", "forgotten")
_LOCK = (0x706F7074, 1)  # of the migration; the locks of users are single numbers, which never meet pairs

_USER = "user_id text COLLATE \"C\" NOT NULL DEFAULT current_setting('personaopt.user_id')"
_HASH = "encode(sha256(convert_to(current_setting('personaopt.user_id', true), 'UTF8')), 'hex')"

# By schema version, which is counted as in SQLite: the first that PostgreSQL knows is 2.
MIGRATIONS: dict[int, tuple[str, ...]] = {
    2: (
        f"""CREATE TABLE personaopt.users (
            {_USER} PRIMARY KEY,
            created double precision NOT NULL,
            changed bigint NOT NULL DEFAULT 0,
            consent text CHECK (consent IN ('none', 'record', 'learn')),
            keep_seconds double precision,
            keep_count bigint
        )""",
        f"""CREATE TABLE personaopt.interactions (
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            {_USER} REFERENCES personaopt.users ON DELETE CASCADE,
            interaction_id text COLLATE "C" NOT NULL,
            time double precision NOT NULL,
            session text COLLATE "C",
            task text COLLATE "C",
            content text NOT NULL,
            content_hash text NOT NULL,
            UNIQUE (user_id, interaction_id),
            UNIQUE (user_id, number)
        )""",
        "CREATE INDEX interactions_in_order ON personaopt.interactions (user_id, time, number)",
        f"""CREATE TABLE personaopt.embeddings (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            {_USER},
            number bigint NOT NULL,
            embedder text COLLATE "C" NOT NULL,
            vector bytea NOT NULL,
            UNIQUE (number, embedder),
            FOREIGN KEY (user_id, number) REFERENCES personaopt.interactions (user_id, number) ON DELETE CASCADE
        )""",
        f"""CREATE TABLE personaopt.personas (
            {_USER} REFERENCES personaopt.users ON DELETE CASCADE,
            version bigint NOT NULL,
            parent bigint,
            persona text NOT NULL,
            created double precision NOT NULL,
            author text NOT NULL,
            reason text NOT NULL,
            edits text NOT NULL,
            run text NOT NULL DEFAULT '',
            redacted bigint NOT NULL DEFAULT 0,
            PRIMARY KEY (user_id, version)
        )""",
        f"""CREATE TABLE personaopt.runs (
            {_USER} REFERENCES personaopt.users ON DELETE CASCADE,
            run_id text COLLATE "C" NOT NULL,
            started double precision NOT NULL,
            fingerprint text NOT NULL,
            PRIMARY KEY (user_id, run_id)
        )""",
        f"""CREATE TABLE personaopt.run_calls (
            {_USER},
            run_id text COLLATE "C" NOT NULL,
            key text COLLATE "C" NOT NULL,
            value text NOT NULL,
            PRIMARY KEY (user_id, run_id, key),
            FOREIGN KEY (user_id, run_id) REFERENCES personaopt.runs (user_id, run_id) ON DELETE CASCADE
        )""",
        # The number of the transaction is another one every time, and is written once a transaction only.
        """CREATE FUNCTION personaopt.note_change() RETURNS trigger LANGUAGE plpgsql
            SET search_path = personaopt, pg_temp AS $$
        DECLARE now_at bigint := pg_current_xact_id()::text::bigint;
        BEGIN
            UPDATE users SET changed = now_at
                WHERE user_id = coalesce(NEW.user_id, OLD.user_id) AND changed <> now_at;
            RETURN NULL;
        END $$""",
        """CREATE TRIGGER interaction_came_or_went AFTER INSERT OR DELETE ON personaopt.interactions
            FOR EACH ROW EXECUTE FUNCTION personaopt.note_change()""",
        *(
            statement
            for table in _OLDEST
            for statement in (
                f"ALTER TABLE personaopt.{table} ENABLE ROW LEVEL SECURITY",
                f"ALTER TABLE personaopt.{table} FORCE ROW LEVEL SECURITY",
                f"""CREATE POLICY own_rows ON personaopt.{table}
                    USING (user_id = current_setting('personaopt.user_id', true))
                    WITH CHECK (user_id = current_setting('personaopt.user_id', true))""",
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON personaopt.{table} TO {APP_ROLE}",
            )
        ),
        # Who has rows may be listed, by a transaction that asks for that and for nobody's rows.
        """CREATE POLICY listed ON personaopt.users FOR SELECT
            USING (current_setting('personaopt.list_users', true) = 'on')""",
    ),
    3: (
        f"""CREATE TABLE personaopt.facts (
            {_USER} REFERENCES personaopt.users ON DELETE CASCADE,
            fact_id text COLLATE "C" NOT NULL,
            first_seen double precision NOT NULL,
            content text NOT NULL,
            PRIMARY KEY (user_id, fact_id)
        )""",
        "ALTER TABLE personaopt.facts ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE personaopt.facts FORCE ROW LEVEL SECURITY",
        """CREATE POLICY own_rows ON personaopt.facts
            USING (user_id = current_setting('personaopt.user_id', true))
            WITH CHECK (user_id = current_setting('personaopt.user_id', true))""",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON personaopt.facts TO {APP_ROLE}",
        # Hashes only, and no foreign key: it outlives the user. An empty item is the user as a whole.
        """CREATE TABLE personaopt.forgotten (
            user_hash text COLLATE "C" NOT NULL,
            item_hash text COLLATE "C" NOT NULL,
            time double precision NOT NULL,
            PRIMARY KEY (user_hash, item_hash)
        )""",
        "ALTER TABLE personaopt.forgotten ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE personaopt.forgotten FORCE ROW LEVEL SECURITY",
        f"""CREATE POLICY own_rows ON personaopt.forgotten
            USING (user_hash = {_HASH}) WITH CHECK (user_hash = {_HASH})""",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON personaopt.forgotten TO {APP_ROLE}",
    ),
    4: ("ALTER TABLE personaopt.users ADD COLUMN allowed_tools text",),
}

_BEGIN = (
    f"CREATE SCHEMA {NAMESPACE}",
    "CREATE TABLE personaopt.schema_version (version bigint NOT NULL)",
    "INSERT INTO personaopt.schema_version (version) VALUES (0)",
    f"GRANT USAGE ON SCHEMA {NAMESPACE} TO {APP_ROLE}",
    f"GRANT SELECT ON personaopt.schema_version TO {APP_ROLE}",
)
# A role belongs to the whole server, so another database may be making it at this moment.
_MAKE_ROLE = f"""DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
        BEGIN
            CREATE ROLE {APP_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
        IF NOT pg_has_role(current_user, '{APP_ROLE}', 'SET') THEN
            GRANT {APP_ROLE} TO CURRENT_USER;
        END IF;
    END IF;
END $$"""


def migrate(connection: Any, name: str) -> None:
    """Make the schema, or bring it up to date, if need be; one process at a time does it.

    Args:
        connection: A psycopg connection in autocommit mode, as the role that logged in.
        name: What messages call the store.

    Raises:
        StoreError: The schema is newer than this version, or of another application; nothing is changed then.
        psycopg.Error: The role may not do it.
    """
    if _version(connection, name) == SCHEMA:
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", _LOCK)
        done = _version(connection, name)
        if done == SCHEMA:  # another process was first
            return
        if not done:
            connection.execute(_MAKE_ROLE)
            for statement in _BEGIN:
                connection.execute(statement)
        for version, statements in MIGRATIONS.items():
            if version > done:
                for statement in statements:
                    connection.execute(statement)
        connection.execute("UPDATE personaopt.schema_version SET version = %s", (SCHEMA,))


def work_as_app(connection: Any) -> None:
    """Give up what the login may do beyond the application role, until the connection ends."""
    connection.execute(f"SET ROLE {APP_ROLE}")
    connection.execute(f"SET search_path = {NAMESPACE}, pg_temp")
    # What was acknowledged must be on disk.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )


def weakness(connection: Any) -> str:
    """Why users would not be kept apart by the database, as part of a sentence; empty where they are.

    Args:
        connection: A psycopg connection that works as the application role.
    """
    role, bypasses = connection.execute(
        "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if role != APP_ROLE or bypasses:
        return f"role {role} is not held by row-level security"
    owned = connection.execute(
        "SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole AND relnamespace = %s::regnamespace",
        (NAMESPACE,),
    ).fetchone()[0]
    if owned:
        return f"role {role} owns tables of the store"
    held = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relrowsecurity AND relforcerowsecurity",
        (NAMESPACE,),
    ).fetchall()
    unheld = set(TABLES) - {row[0] for row in held}
    return f"row-level security is not forced on {', '.join(sorted(unheld))}" if unheld else ""


def _version(connection: Any, name: str) -> int:
    """The schema version, 0 where there is none."""
    # Asked of the table: what PostgreSQL remembers of names may be older than the lock that was waited for.
    if not connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (NAMESPACE,)).fetchone():
        return 0
    ours = connection.execute(
        "SELECT 1 FROM pg_class WHERE relnamespace = %s::regnamespace AND relname = 'schema_version'", (NAMESPACE,)
    ).fetchone()
    if not ours:
        raise StoreError(
            f"The database {name} has a schema {NAMESPACE!r} of another application; it was left as it is."
        )
    version = int(connection.execute("SELECT version FROM personaopt.schema_version").fetchone()[0])
    if version > SCHEMA:
        raise StoreError(
            f"The store {name} has schema {version} and this version of personaopt knows {SCHEMA} at most; "
            "upgrade personaopt. The database was left as it is."
        )
    return version
