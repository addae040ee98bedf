"""The service: a chain's ledger, source, public log, outputs and HTTP interface in one process.

The only place where the parts meet; each of them knows nothing of the others. ``running.Service`` runs them.
"""
