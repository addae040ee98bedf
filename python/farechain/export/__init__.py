"""Documents: what the ledger says of an invoice, as files that people and their systems keep.

``document`` is what all of them are made from; ``reading`` makes it from the ledger; a module a format writes
it; ``walk``, ``position`` and ``writing`` do that for one invoice or for all. Reads the ledger only; knows
neither configuration nor service.
"""
