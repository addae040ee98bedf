"""Backup and restore: what a lost disk would take with it, copied while the chain runs.

``target`` is where copies go, ``manifest`` what makes a backup one, ``frames`` where the log may be cut,
``making`` and ``restoring`` the two ways, ``mark`` what a restored ledger must not forget. Knows files; no
HTTP, no settings.
"""
