"""farechain beside its peers: the same events, durable on both sides, in one run."""
