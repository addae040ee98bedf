"""What becomes of an input."""

ISSUED, RECORDED, REVERSED, APPLIED, DRAINED, DUPLICATE, REJECTED = range(1, 8)
