"""From fetched chunks to durable blocks, and from those to checkpoints, receipts and dead letters."""
