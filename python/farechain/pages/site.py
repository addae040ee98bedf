"""The whole site: the HTTP interface, the public pages, and the pages of each role."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import FastAPI

from farechain.api.app import Interface, create_app
from farechain.api.context import ApiContext
from farechain.pages import auditor, bureau, clerk, issuer, login, oidc_login, public, verify
from farechain.pages.documents import Documents
from farechain.pages.layout import Layout
from farechain.pages.oidc import OidcTerms, Provider
from farechain.pages.passenger import install as passenger
from farechain.pages.session import Sessions
from farechain.pages.signing import Signing


@dataclass(frozen=True, slots=True)
class Keeping:
    """What the pages keep for their people.

    Attributes:
        seeds: keys that sign for them, by key id (``signing.read_seeds``).
        agent: the tax id of the agent that acts for passengers.
        secure: whether the site is reached over TLS.
        oidc: the provider that people may log in by; None for none.
    """

    seeds: Mapping[str, bytes] = field(default_factory=dict)
    agent: str | None = None
    secure: bool = False
    oidc: OidcTerms | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """What every role's pages are made from."""

    shared: Interface
    layout: Layout
    sessions: Sessions
    signing: Signing
    documents: Documents

    @property
    def context(self) -> ApiContext:
        """The ledger and what is known of the service."""
        return self.shared.context


def create_site(context: ApiContext, keeping: Keeping | None = None) -> FastAPI:
    """The application over one chain's ledger, with all its pages."""
    keeping = keeping or Keeping()
    shared = Interface.over(context)
    app = create_app(shared)
    layout = Layout(context)
    signing = Signing(shared.door, context.ledger, keeping.seeds, keeping.agent)
    site = Site(shared, layout, Sessions(context.tokens, secure=keeping.secure), signing, Documents(context))
    public.install(app, context, shared.invoices, layout)
    verify.install(app, site)
    auditor.install(app, site)
    login.install(app, site.layout, site.sessions, oidc=keeping.oidc is not None)
    provider = Provider(keeping.oidc) if keeping.oidc else None
    oidc_login.install(app, context, layout, site.sessions, provider)
    passenger.install(app, site)
    clerk.install(app, site)
    issuer.install(app, site)
    bureau.install(app, site)
    return app
