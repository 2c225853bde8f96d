"""What is known of a user: interactions, persona versions, and search over both.

The database is the only truth; every index is rebuilt from it. No read or search crosses users.
"""

from personaopt.memory.embedding import CallableEmbedder, Embedder, LocalEmbedder, local_embedder
from personaopt.memory.episodic import Memory
from personaopt.memory.facts import Fact
from personaopt.memory.forgetting import Forgotten
from personaopt.memory.portability import Imported
from personaopt.memory.redaction import Redaction, Redactor
from personaopt.memory.retention import Retention
from personaopt.memory.sensitive import Finding, PatternFinder, PresidioFinder
from personaopt.memory.store import Before, PersonaVersion, Store, UnfinishedRun, open_store
from personaopt.memory.user import User

__all__ = [
    "Before",
    "CallableEmbedder",
    "Embedder",
    "Fact",
    "Finding",
    "Forgotten",
    "Imported",
    "LocalEmbedder",
    "Memory",
    "PatternFinder",
    "PersonaVersion",
    "PresidioFinder",
    "Redaction",
    "Redactor",
    "Retention",
    "Store",
    "UnfinishedRun",
    "User",
    "local_embedder",
    "open_store",
]
