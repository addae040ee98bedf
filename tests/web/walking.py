"""Walks through pages as a person does: a form is filled in on the page that it stands on, and sent once."""

import re
from typing import Any

import httpx


async def page(client: httpx.AsyncClient, path: str, status: int = 200) -> str:
    """A page's text."""
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


async def send(client: httpx.AsyncClient, path: str, do: str, **fields: Any) -> httpx.Response:
    """A form of a page, with the hidden fields that this form has there."""
    found = await page(client, path)
    (form, *_others) = [
        form for form in re.findall(r"<form.*?</form>", found, re.S) if f'name="do" value="{do}"' in form
    ]
    return await client.post(path, data={**hidden_of(form), **fields})


async def done(client: httpx.AsyncClient, path: str, do: str, **fields: Any) -> str:
    """The page that says what a form did."""
    return await landed(client, await send(client, path, do, **fields))


async def landed(client: httpx.AsyncClient, answer: httpx.Response) -> str:
    """Where a form leads when it is done."""
    assert answer.status_code == 303, answer.text
    found = await page(client, answer.headers["location"])
    assert 'role="status"' in found
    return found


def hidden_of(form: str) -> dict[str, str]:
    """The hidden fields of a form."""
    unescaped = {"&#34;": '"', "&#39;": "'", "&lt;": "<", "&gt;": ">", "&amp;": "&"}
    fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form))
    for escaped, plain in unescaped.items():
        fields = {name: value.replace(escaped, plain) for name, value in fields.items()}
    return fields


def there(found: dict[str, Any] | None) -> dict[str, Any]:
    """What the ledger found."""
    assert found is not None
    return found
