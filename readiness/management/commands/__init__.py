"""Commands about facts, by name."""
