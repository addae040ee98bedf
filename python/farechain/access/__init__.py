"""Who may call: tokens, and what each role may do to whose things.

``roles`` has the names, ``matrix`` the table, ``token_file`` what is at rest, ``tokens`` the rest. A token
opens the door only: commands are signed as well, and the ledger decides them. Knows no HTTP.
"""
