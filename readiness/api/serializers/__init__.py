"""What answers look like: every serializer lists its fields."""
