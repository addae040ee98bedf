"""What an operator installs."""
