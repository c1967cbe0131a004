"""How far the rules have looked."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("handoff", "0007_overrides")]

    operations: list[migrations.operations.base.Operation] = [
        migrations.CreateModel(
            name="Watermark",
            fields=[
                ("service", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="watermark", serialize=False, to="readiness.service")),
                ("scorecard", models.BigIntegerField(help_text="Key of the last scorecard looked at, which may be deleted since.", null=True)),
                ("at", models.DateTimeField(help_text="The moment that it judged.", null=True)),
                ("other_at", models.DateTimeField(help_text="Moment of the last scorecard that said anything but below: it ends a week of below, also when it is deleted since.", null=True)),
                ("other_policy", models.BigIntegerField(help_text="Key of the policy version that it was under.", null=True)),
            ],
        ),
    ]
