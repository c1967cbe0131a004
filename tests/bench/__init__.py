"""The benchmark: a made-up fleet, what judging it costs, and the hand-written SQL it is held against."""
