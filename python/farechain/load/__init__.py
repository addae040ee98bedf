"""Load tests: an open loop of signed payments, faults at given seconds, and an oracle over what came of them.

What a run is stands in a scenario (``scenarios/*.toml``). The generator is a process of its own; who measures
and judges is another.
"""
