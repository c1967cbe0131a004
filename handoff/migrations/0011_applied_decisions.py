"""Which recorded decisions of a fleet folder were applied."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("handoff", "0010_consequences")]

    operations = [
        migrations.CreateModel(
            name="AppliedDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("fleet", models.CharField(help_text="The folder's name.", max_length=200)),
                (
                    "digest",
                    models.CharField(help_text="SHA-256 of the line's canonical JSON.", max_length=64),
                ),
                ("applied_at", models.DateTimeField(help_text="In real time.")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("fleet", "digest"), name="a_decision_is_applied_once")
                ],
            },
        ),
    ]
