"""What is remembered for passengers: which payments are theirs and how they open, and titles used before.

``rows`` is a trip as an agent hands it in, ``titles`` a remembered title, ``wallet`` both in the erasable
private store. Reads the ledger, writes nothing to it; knows no HTTP and no configuration.
"""
