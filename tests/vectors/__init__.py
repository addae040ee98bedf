"""Golden vectors: what two implementations must agree on byte for byte, read by Rust and Python alike."""
