"""The services of the story, each with its path, in four parts of the shop's life."""

from tests.story.growing import GROWING
from tests.story.losing import FAILING_ALONE
from tests.story.moving import MOVING
from tests.story.plot import Plot
from tests.story.running import RUNNING

PLOTS: tuple[Plot, ...] = (*GROWING, *FAILING_ALONE, *RUNNING, *MOVING)
"""In the order in which they are told."""
