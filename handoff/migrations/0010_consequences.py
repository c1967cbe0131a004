"""A repair whose service comes to its end while it stabilises is withdrawn, though it was confirmed."""

from django.db import migrations, models
from django.db.models import Q

CONFIRMED = ("confirmed", "stabilising", "stabilised")


class Migration(migrations.Migration):
    """Cases are few: looking at each again takes no time."""

    dependencies = [("handoff", "0009_idempotency")]

    operations = [
        migrations.RemoveConstraint(model_name="case", name="case_confirmed_by_somebody"),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=(
                    Q(state__in=[*CONFIRMED, "withdrawn"], confirmed_at__isnull=False) & ~Q(decider="")
                )
                | (~Q(state__in=CONFIRMED) & Q(confirmed_at__isnull=True)),
                name="case_confirmed_by_somebody",
            ),
        ),
    ]
