"""Sentences that allauth and Django say on our pages; the catalogues here say them in our words.

allauth has no nynorsk at all. Nothing reads this list but the test that looks for missing texts.
"""

from django.utils.translation import gettext_noop as _

SENTENCES = (
    _("This account is currently inactive."),
    _("The email address and/or password you specified are not correct."),
    _("Please type your current password."),
    _("Incorrect code."),
    _("Incorrect password."),
    _("The password reset token was invalid."),
    _("Too many failed login attempts. Try again later."),
    _("Be patient, you are sending too many requests."),
    _("You must type the same password each time."),
    _("The password is too similar to the %(verbose_name)s."),
    _("You cannot deactivate two-factor authentication."),
    _("You cannot generate recovery codes without having two-factor authentication enabled."),
    _("You cannot activate two-factor authentication until you have verified your email address."),
    _("Use your password"),
    _("Use authenticator app or code"),
    _("Use a security key"),
)
