"""What can go wrong, one class a kind of cause. Every message is one sentence: what, where, and how to mend it."""


class PersonaOptError(Exception):
    """Base of every error this library raises on purpose."""


class DataError(PersonaOptError):
    """Input that is missing or malformed: a file, a record, a label, a history."""


class PersonaError(PersonaOptError):
    """A persona, statement or edit that breaks a rule, such as the token limit."""


class StoreError(PersonaOptError):
    """A store that cannot be opened, read or written."""


class VersionConflict(StoreError):
    """A persona changed between reading and writing it; read it again and redo the change."""


class ForgottenError(StoreError):
    """Something rests on what was forgotten: a persona version that was redacted, an export made before."""


class ConsentError(StoreError):
    """The user has not agreed to what was asked for."""


class ToolNotAllowed(PersonaOptError):
    """A tool that this user's agent may not call, or that there is none of."""


class ToolError(PersonaOptError):
    """A tool that was called with arguments that do not fit, that raised, or that was not done in time."""


class ModelError(PersonaOptError):
    """A language model or embedder that cannot be found, loaded or asked for what is wanted."""


class ProgramError(PersonaOptError):
    """A compiled program file that cannot be written, read or trusted."""


class ConfigurationError(PersonaOptError):
    """An argument outside its range, or two arguments that exclude each other."""
