"""Answers kept under an Idempotency-Key."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("handoff", "0008_proposing"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Answer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(help_text="As the one who asked made it up.", max_length=200)),
                (
                    "request",
                    models.CharField(
                        help_text="Digest of what was asked: method, path and body.", max_length=64
                    ),
                ),
                ("status", models.PositiveSmallIntegerField()),
                ("location", models.TextField(blank=True, help_text="Address of what was made.")),
                ("body", models.TextField(help_text="JSON, as it was sent.")),
                ("given_at", models.DateTimeField(help_text="In real time.")),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-given_at", "-pk"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("user", "key"), name="answer_once_for_a_key")
                ],
            },
        ),
    ]
