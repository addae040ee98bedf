"""Figures of farechain: a day from Kafka, opening, audit, proofs; each beside its budget and its limit."""
