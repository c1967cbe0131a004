"""Writes the story fleet, fixtures/story: a made-up shop whose services each live through one path.

Nothing here is random but by its seed: the same code writes the same files. What is told of a service
stands in :mod:`tests.story.plots`, what it should come to beside it; the other modules make rows of that.
"""
