"""Telling people: what they are told, and the way there. Imports nothing: chats have their own process."""
