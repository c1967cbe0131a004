"""What lists can be filtered by; a value or a parameter that is not understood is refused, never ignored."""
