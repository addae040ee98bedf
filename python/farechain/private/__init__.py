"""The erasable private store: what people are called, apart from a ledger that holds commitments alone.

``titles`` is what a text may be, ``openings`` how it is committed to, ``sealing`` how it is encrypted,
``documents`` what a wallet remembers, ``database`` the file, ``accesses`` who looked, ``store`` all of it
together. Knows no HTTP and no ledger.
"""
