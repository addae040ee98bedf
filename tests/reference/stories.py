"""All stories of the life of an invoice, for the reference alone and for the ledger beside it."""

from collections.abc import Callable

from . import stories_books, stories_claim, stories_parties, stories_red, stories_waiting
from .telling import Telling

Story = Callable[[Telling], None]


def name(story: Story) -> str:
    return story.__name__.removeprefix("story_")


ALL: list[Story] = [
    story
    for module in (stories_books, stories_claim, stories_parties, stories_red, stories_waiting)
    for named, story in vars(module).items()
    if named.startswith("story_")
]
