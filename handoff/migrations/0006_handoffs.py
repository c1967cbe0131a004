"""Cases are handoffs, too."""

from django.db import migrations, models
from django.db.models import Q

HANDBACK_KINDS = [("repair", "repair"), ("release", "release")]


class Migration(migrations.Migration):
    """Cases are few: looking at each again takes no time."""

    dependencies = [("handoff", "0005_subjects_of_decisions")]

    operations = [
        migrations.AlterField(
            "case", "kind", models.CharField(choices=[("handoff", "handoff"), ("handback", "handback")], max_length=10)
        ),
        migrations.AlterField(
            "case",
            "handback_kind",
            models.CharField(
                blank=True,
                choices=HANDBACK_KINDS,
                help_text="Of a handback. repair: it regressed. release: it needs no operations any more.",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            "case",
            "verdict",
            models.CharField(
                blank=True,
                help_text="The verdict on the move when it was proposed; empty: not judged.",
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            "case",
            models.CheckConstraint(
                condition=Q(kind="handoff", handback_kind="")
                | (Q(kind="handback") & Q(handback_kind__in=["repair", "release"])),
                name="case_is_a_handoff_or_handback",
            ),
        ),
        migrations.AddConstraint(
            "case",
            models.CheckConstraint(
                condition=~Q(kind="handoff") | Q(state__in=["proposed", "rejected", "withdrawn", "lapsed"]),
                name="handoff_is_in_a_state_of_its_own",
            ),
        ),
    ]
