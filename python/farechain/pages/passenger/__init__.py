"""The passenger's pages (HOLDER): trips, claiming them, invoices held, handing them over, one's own data.

``person`` is who is here, ``trips`` what became of their payments, ``titles`` whom an invoice is for,
``claims`` previews and claims, ``invoices`` what they hold and each invoice's card, ``handing`` presents and
transfers, ``data`` what is remembered of them, ``install`` the routes.
"""
