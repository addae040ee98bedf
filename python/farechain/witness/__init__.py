"""Witnesses of the public log (C2SP tlog-witness): the client that asks, the server and what it remembers."""
