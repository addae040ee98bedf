"""Forms of a page as a browser sends them: hidden fields as they stand, and what a person fills in."""

from html.parser import HTMLParser


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, list[tuple[str, str]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((found.get("action", ""), []))
        if tag == "input" and found.get("type") == "hidden" and self.forms:
            self.forms[-1][1].append((found["name"], found["value"]))


def form_of(page: str, action: str, **filled: str | list[str]) -> dict[str, str | list[str]]:
    """The fields of the page's form with this action; ``filled`` is what a person chooses or types."""
    parser = _Forms()
    parser.feed(page)
    hidden: dict[str, str | list[str]] = {}
    for name, value in next(fields for found, fields in parser.forms if found == action):
        before = hidden.get(name, [])
        hidden[name] = [*(before if isinstance(before, list) else [before]), value]
    return {**hidden, **filled}
