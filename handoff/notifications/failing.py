"""Why a message did not arrive."""


class UndeliveredError(Exception):
    """A receiver did not take a message; the text, for those who subscribed, gives no secret away."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final
        """The receiver wants no more of it: trying again is of no use."""
