"""Messages as CloudEvents in the Standard Webhooks envelope: one document, an id, a signature. Pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from standardwebhooks import Webhook

from handoff.notifications.wording import Happening, type_of, words

CONTENT_TYPE: Final = "application/cloudevents+json"


def document(happening: Happening, source: str) -> dict[str, Any]:
    """The CloudEvent of a message. Sent again it is the same: its id tells a repetition.

    ``sequence`` orders the messages of one service, as text.
    """
    said = words(happening)
    return {
        **_head(f"msg_{happening.key}", type_of(happening), source=source, at=happening.at),
        **({"subject": happening.service} if happening.service else {}),
        "sequence": f"{happening.key:020d}",
        "data": {
            "event": happening.event,
            "topic": happening.topic,
            "service": happening.service or None,
            "about": happening.about,
            "from": happening.from_state or None,
            "to": happening.to_state or None,
            "actor": happening.actor or None,
            "what": said.what,
            "why": said.why,
            "to_do": said.to_do,
            "url": said.url,
        },
    }


def digest(happenings: Sequence[Happening], source: str, *, at: datetime) -> dict[str, Any]:
    """Many messages in one CloudEvent, each whole, oldest first. Its id says which are in it."""
    name = f"digest_{happenings[0].key}_{happenings[-1].key}_{len(happenings)}"
    return {
        **_head(name, "handoff.digest", source=source, at=at),
        "data": {"messages": [document(each, source) for each in happenings]},
    }


def signed(event: Mapping[str, Any], secret: str, *, now: datetime) -> tuple[bytes, dict[str, str]]:
    """The body as it is sent, and its headers; the moment of the signature is that of sending."""
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    at = now.astimezone(UTC)
    headers = {
        "Content-Type": CONTENT_TYPE,
        "webhook-id": str(event["id"]),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(str(event["id"]), at, body),
    }
    return body.encode(), headers


def _head(name: str, kind: str, *, source: str, at: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": name,
        "source": source,
        "type": kind,
        "time": at.astimezone(UTC).isoformat(),
        "datacontenttype": "application/json",
    }
