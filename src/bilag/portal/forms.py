"""How every form is drawn: label, hint, control, error; on top a summary that takes the focus.

It holds for the forms of libraries too, since Django's form renderer is replaced.
"""

from django.forms import Form as DjangoForm
from django.forms.renderers import TemplatesSetting
from django.utils.translation import get_language

from bilag.core.problem import Refused


class Renderer(TemplatesSetting):
    """Draws forms and fields by the portal's own templates."""

    form_template_name = "portal/form.html"
    field_template_name = "portal/field.html"


class Form(DjangoForm):
    """A form of the portal; `{{ form }}` draws its summary of errors and its fields.

    Errors that belong to no field are given by `add_error(None, ...)`.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def refuse(self, error: Refused) -> None:
        """Show the problems of a refusal, each at the field of its name where there is one."""
        language = get_language() or "nb"
        for problem in error.problems:
            field = problem.field if problem.field in self.fields else None
            place = f"{problem.field}: " if problem.field and field is None else ""
            self.add_error(field, f"{place}{problem.text(language)}")
