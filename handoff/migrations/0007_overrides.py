"""SRE leads override verdicts, with a reason."""

import django.db.models.deletion
from django.db import migrations, models

OUTCOMES = [
    ("open", "open"),
    ("met", "met"),
    ("not_met", "not met"),
    ("accepted", "accepted with a condition"),
    ("overridden", "accepted by override"),
    ("not_applicable", "not applicable"),
    ("lapsed", "lapsed"),
]


def _key():
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [("handoff", "0006_handoffs")]

    operations: list[migrations.operations.base.Operation] = [
        migrations.AlterField(
            model_name="checklistitem",
            name="outcome",
            field=models.CharField(choices=OUTCOMES, default="open", max_length=20),
        ),
        migrations.AlterField(
            model_name="itemoutcome",
            name="outcome",
            field=models.CharField(choices=OUTCOMES, max_length=20),
        ),
        migrations.CreateModel(
            name="VerdictOverride",
            fields=[
                ("id", _key()),
                (
                    "verdict",
                    models.CharField(
                        choices=[("not_ready", "not ready"), ("cannot_tell", "cannot tell")], max_length=20
                    ),
                ),
                (
                    "reasons",
                    models.JSONField(
                        default=list, help_text="Why the verdict was what it was, in sentences."
                    ),
                ),
                (
                    "items",
                    models.JSONField(default=list, help_text="Slugs of the measured items that it settles."),
                ),
                ("actor", models.CharField(help_text="Id and name of the person.", max_length=300)),
                ("reason", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "review",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="overrides",
                        to="handoff.review",
                    ),
                ),
                (
                    "scorecard",
                    models.ForeignKey(
                        help_text="What the verdict stands on.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="readiness.scorecard",
                    ),
                ),
                (
                    "service",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="verdict_overrides",
                        to="readiness.service",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
                "permissions": [("override_verdict", "Can override verdicts")],
                "constraints": [
                    models.CheckConstraint(
                        condition=~models.Q(reason="") & ~models.Q(actor=""), name="override_has_a_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(verdict__in=["not_ready", "cannot_tell"]),
                        name="override_of_a_verdict",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OverrideEnd",
            fields=[
                ("id", _key()),
                ("actor", models.CharField(help_text="Id and name of the person.", max_length=300)),
                ("reason", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "override",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="end",
                        to="handoff.verdictoverride",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=~models.Q(reason="") & ~models.Q(actor=""),
                        name="override_end_has_a_reason",
                    ),
                ],
            },
        ),
    ]
