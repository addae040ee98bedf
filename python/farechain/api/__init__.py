"""HTTP: JSON for programs, pages for people, the public log for anyone. Reads the ledger; never writes it."""
