"""People who sign in here: an e-mail address, a password, and how they like the pages.

They belong to no organization; `tenants/members.py` says who is a member of which, and as what.
"""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

LANGUAGES = ("nb", "nn", "en")
COLOURS = ("auto", "light", "dark")


class Users(BaseUserManager["User"]):
    """Makes people and finds them by their e-mail address, in any case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a person; without a password they cannot sign in by one."""
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the person with this e-mail address; raises User.DoesNotExist."""
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """A person; `email` is the `subject` of their memberships, so it is always lower case."""

    email: "models.EmailField[str, str]" = models.EmailField(_("e-mail address"), unique=True)
    is_active: "models.BooleanField[bool, bool]" = models.BooleanField(default=True)
    date_joined: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        default=timezone.now
    )
    # empty: as the browser asks
    language: "models.CharField[str, str]" = models.CharField(max_length=2, blank=True, default="")
    colours: "models.CharField[str, str]" = models.CharField(max_length=5, blank=True, default="")

    objects: ClassVar[Users] = Users()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        """What the database itself refuses."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="email_lower"),
            models.CheckConstraint(
                condition=models.Q(language__in=("", *LANGUAGES)), name="language_known"
            ),
            models.CheckConstraint(
                condition=models.Q(colours__in=("", *COLOURS)), name="colours_known"
            ),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the person; the address is lower-cased wherever it comes from."""
        self.email = self.email.lower()
        super().save(*args, **kwargs)
