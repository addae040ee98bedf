"""The second copy: a block is durable on another machine before anybody hears of it.

Knows the ledger's blocks as bytes; not HTTP, configuration or sources.
"""
