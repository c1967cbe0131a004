"""The REST interface of what writes states, and of all that `readiness` offers."""
