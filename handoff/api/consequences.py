"""What would come of a change of a service, as REST tells it to those who must accept it first."""

from typing import Any, Final

from rest_framework import serializers

from handoff.consequences import Change, Foreseen, Subject
from readiness.api.serializers.writing import NothingWrittenSerializer

NOT_ACCEPTED: Final = "must be true: `consequences` lists what becomes of what is open of this service"


class HappeningSerializer(serializers.Serializer[dict[str, Any]]):
    """What would happen to a service."""

    change = serializers.ChoiceField(choices=[(each.value, each.value) for each in Change])
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)


class OutcomeSerializer(serializers.Serializer[dict[str, Any]]):
    """What would become of one thing that is open."""

    subject = serializers.ChoiceField(choices=[(each.value, each.value) for each in Subject])
    id = serializers.IntegerField()
    name = serializers.CharField(help_text="What kind of case or review, what is waived, or who advises.")
    state = serializers.CharField()
    becomes = serializers.CharField(
        help_text="stays, acceptance taken back, withdrawn, completed, revoked or ended."
    )
    why = serializers.CharField()


class ServiceConsequencesSerializer(serializers.Serializer[dict[str, Any]]):
    """What would come of one record."""

    index = serializers.IntegerField(help_text="The place of the record in the list, from 0.")
    service = serializers.CharField()
    changes = HappeningSerializer(many=True)
    outcomes = OutcomeSerializer(many=True)


class ConsequencesSerializer(NothingWrittenSerializer):
    """The problem of records that nobody accepted the consequences of."""

    consequences = ServiceConsequencesSerializer(many=True)


def told(index: int, foreseen: Foreseen) -> dict[str, Any]:
    """As :class:`ServiceConsequencesSerializer` describes it."""
    return {
        "index": index,
        "service": foreseen.slug,
        "changes": [
            {"change": each.change.value, "before": each.before, "after": each.after}
            for each in foreseen.happenings
        ],
        "outcomes": [
            {
                "subject": each.thing.subject.value,
                "id": each.thing.key,
                "name": each.thing.name,
                "state": each.thing.state,
                "becomes": each.becomes,
                "why": each.why,
            }
            for each in foreseen.consequences
        ],
    }
