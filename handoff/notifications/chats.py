"""Says something in a chat, by a process of its own that is ended when it takes too long."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from handoff.notifications.failing import UndeliveredError

CHATS: Final = (
    *("discord", "feishu", "flock", "gchat", "lark", "matrix", "matrixs", "mmost", "mmosts", "nctalk"),
    *("nctalks", "rocket", "rockets", "ryver", "slack", "synology", "synologys", "tgram", "twist"),
    *("webex", "workflow", "workflows", "wxteams", "zulip"),
)  # fmt: skip
"""Schemes of apprise addresses that are chats. Others reach into this machine, or anywhere by any request."""
SECONDS: Final = 20
ROOT: Final = Path(__file__).parent.parent.parent
KEPT: Final = frozenset({"PATH", "LANG", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE"})
"""Of our environment, which holds secrets, the process gets these."""


def problem(url: str, *, allow_private: bool) -> str:
    """What is wrong with a chat's address, in words; nothing where it can be used."""
    scheme = url.partition("://")[0].lower()
    if scheme not in CHATS:
        return f"A chat's address begins with one of {', '.join(CHATS)}, and ://."
    return _run({"url": url, "allow_private": allow_private})


def say(url: str, title: str, body: str, *, allow_private: bool) -> None:
    """Say something in a chat; raises :class:`UndeliveredError`."""
    told = {"url": url, "title": title, "body": body, "allow_private": allow_private}
    if reason := _run(told):
        raise UndeliveredError(reason)


def _run(told: dict[str, Any]) -> str:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "handoff.notifications.chat_process"],
            input=json.dumps(told),
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name.upper() in KEPT},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return f"the chat gave no answer within {SECONDS} seconds"
    except subprocess.CalledProcessError as error:
        return f"the chat's process ended with {error.returncode}"
    reason: str = json.loads(done.stdout)
    return reason
