"""Faults that are made on purpose, to see that somebody is told: ``python -m drills``, not for CI."""
