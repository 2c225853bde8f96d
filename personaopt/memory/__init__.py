"""What is known of a user: interactions, persona versions, and search over both.

The database is the only truth; every index is rebuilt from it. No read or search crosses users.
"""

from personaopt.memory.embedding import CallableEmbedder, Embedder, LocalEmbedder, local_embedder
from personaopt.memory.episodic import Memory
from personaopt.memory.store import Before, PersonaVersion, Store, UnfinishedRun, open_store
from personaopt.memory.user import User

__all__ = [
    "Before",
    "CallableEmbedder",
    "Embedder",
    "LocalEmbedder",
    "Memory",
    "PersonaVersion",
    "Store",
    "UnfinishedRun",
    "User",
    "local_embedder",
    "open_store",
]
