"""The people's table; allauth's own tables refer to it."""

from typing import ClassVar

import django.utils.timezone
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    """Makes the table; who belongs to which organization stands in `members`."""

    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar[list[Operation]] = [
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "email",
                    models.EmailField(max_length=254, unique=True, verbose_name="e-mail address"),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now)),
                ("language", models.CharField(blank=True, default="", max_length=2)),
                ("colours", models.CharField(blank=True, default="", max_length=5)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(email=Lower("email")), name="email_lower"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(language__in=("", "nb", "nn", "en")),
                        name="language_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(colours__in=("", "auto", "light", "dark")),
                        name="colours_known",
                    ),
                ]
            },
        )
    ]
