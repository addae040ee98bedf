"""What operators watch: metrics by name and unit."""
