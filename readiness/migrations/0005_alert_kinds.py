"""Alerts about launches and cases, and when a service went live that was known before."""

from django.db import migrations, models

KINDS = [
    ("evaluation_missed", "evaluation missed"),
    ("evaluation_failed", "evaluation failed"),
    ("feed_silent", "feed silent"),
    ("flying_blind", "flying blind"),
    ("waiver_ends", "waiver ends"),
    ("review_stalled", "review stalled"),
    ("launched_without_review", "launched without a review"),
    ("condition_overdue", "condition overdue"),
    ("case_stalled", "case stalled"),
    ("plan_overdue", "plan overdue"),
    ("stabilisation_stalled", "stabilisation stalled"),
]


class Migration(migrations.Migration):
    """What it adds is empty for every row: no table is written anew, and the index has nothing in it yet."""

    dependencies = [("readiness", "0004_subjects_of_decisions")]

    operations = [
        migrations.AlterField(
            model_name="alert", name="kind", field=models.CharField(choices=KINDS, max_length=30)
        ),
        migrations.AddField(
            model_name="service",
            name="went_live_at",
            field=models.DateTimeField(
                null=True,
                blank=True,
                editable=False,
                help_text="When the catalogue first said that it is live, of a service known here from "
                "before that. Empty: it was live when it became known, or is not live yet.",
            ),
        ),
        migrations.AddIndex(
            model_name="service",
            index=models.Index(
                fields=["went_live_at"],
                name="service_went_live",
                condition=models.Q(went_live_at__isnull=False),
            ),
        ),
    ]
