"""The promise as data: how long events took to their checkpoint, summarised for ranges of blocks.

``document`` is what is published and attested, ``measuring`` how its numbers are made, ``folder`` where it
lies, ``journal`` what was measured and is in no document yet, ``checking`` how an outsider verifies it all,
``reading`` where from. Knows nothing of the service, the HTTP interface or configuration.
"""
