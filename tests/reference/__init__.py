"""farechain's rules in slow, readable Python, from docs/format.md alone: the oracle of the Rust core."""
