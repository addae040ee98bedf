"""The demonstration: one signed day through a real broker into a witnessed ledger, checked from outside.

Every process is started as an operator would start it; the figures come from their own reports and from the
kernel.
"""
