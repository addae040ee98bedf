"""From fetched chunks to durable blocks, and from durable blocks to checkpoints, receipts and dead letters."""
