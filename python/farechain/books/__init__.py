"""Who holds, received, locked and posted what: the ledger turned into lists by party, for pages and answers.

Derived from durable blocks and thrown away at will: ``database`` is the file, ``schema`` its tables,
``keeping`` moves them record by record, ``entries`` is what is answered, ``queries`` how, ``books`` both.
Commitments and ids only, no text of a person. Knows no HTTP and no configuration, and decides nothing.
"""
