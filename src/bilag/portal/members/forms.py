"""The forms of the members' pages."""

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bilag.portal.forms import Form
from bilag.tenants.members import Role

# role -> (what it is called, what it may)
ROLES: dict[Role, tuple[Promise, Promise]] = {
    "admin": (
        _("Administrator"),
        _("sets everything up, invites others, and decides about claims"),
    ),
    "accountant": (_("Accountant"), _("sees everything and changes no settings")),
    "coordinator": (_("Coordinator"), _("sees where the claims stand")),
}


def role_choices() -> list[tuple[str, str]]:
    """Return the roles with what each may, for a form."""
    return [(role, f"{name} – {may}") for role, (name, may) in ROLES.items()]


class RoleForm(Form):
    """What a person is in the organization."""

    role = forms.ChoiceField(label=_("Role"), choices=role_choices, widget=forms.RadioSelect)


class InviteForm(Form):
    """Who is asked in, and as what."""

    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=_("Role"), choices=role_choices, widget=forms.RadioSelect)
