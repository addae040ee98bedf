"""The HTTP layer over a small chain that is built here by the formats alone."""
