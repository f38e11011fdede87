"""How every form is drawn: label, hint, control, error; on top a summary that takes the focus.

It holds for the forms of libraries too, since Django's form renderer is replaced.
"""

from django.forms import Form as DjangoForm
from django.forms.renderers import TemplatesSetting


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
