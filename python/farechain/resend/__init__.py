"""Records that are sent to their topic again: ranges of a topic, and inputs that the ledger rejected.

It is safe: what the ledger has is known by its identity, and a second one becomes a duplicate.
"""

from farechain.resend.dead_letters import DeadLetter, Selection, dead_letters
from farechain.resend.known import Known

__all__ = ["DeadLetter", "Known", "Selection", "dead_letters"]
