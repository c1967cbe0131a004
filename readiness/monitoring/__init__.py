"""What watches over this installation: is it ready, and its numbers for Prometheus."""
