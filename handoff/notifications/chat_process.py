"""A process of its own that says one thing in a chat, and connects to public addresses alone.

Apprise and what it rests on look names up, follow redirects and time out as they like. Here all of that
passes one gate, and the process can be ended. It is told what to say on its input, as JSON, and says why not.
"""

import json
import logging
import sys
from typing import Any

from apprise import Apprise, NotifyFormat

from handoff.notifications.addresses import is_public

EVENTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class Gate:
    """Refuses to connect anywhere but to public addresses, whatever name or redirect led there."""

    def __init__(self) -> None:
        self.refused = ""

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook of Python's: it is asked before each connection, and stays for the process's life."""
        if event in EVENTS and not self._is_open(arguments[1]):
            self.refused = f"the chat's address leads to {arguments[1]!r}, which is no public address"
            raise PermissionError(self.refused)

    def _is_open(self, address: Any) -> bool:
        try:
            return isinstance(address, tuple) and is_public(address[0])
        except ValueError:  # a name: nobody has judged where it leads
            return False


def say(told: dict[str, Any], gate: Gate) -> str:
    """Why it could not be said; nothing when it was."""
    chat = Apprise()
    if not chat.add(told["url"]):
        return "apprise cannot read this address"
    if "body" not in told:
        return ""
    said = chat.notify(body=told["body"], title=told["title"], body_format=NotifyFormat.TEXT)
    return "" if said else gate.refused or "the chat did not take it"


def main() -> None:
    """Read what to say, say it, and write why not."""
    told = json.load(sys.stdin)
    logging.disable()  # its words may hold what the address keeps secret
    gate = Gate()
    if not told["allow_private"]:
        sys.addaudithook(gate)
    sys.stdout.write(json.dumps(say(told, gate)))


if __name__ == "__main__":
    main()
