"""The addresses of these pages, below /o/ORG/reports/."""

from django.urls import URLPattern, path

from bilag.portal.reports import control, wages

app_name = "reports"

urlpatterns: list[URLPattern] = [
    path("control", control.control, name="control"),
    path("control/<slug:book_key>/claims", control.claims, name="claims"),
    path("control/<slug:book_key>/file", control.file, name="file"),
    path("control/<int:report_id>", control.made, name="made"),
    path("wages", wages.wages, name="wages"),
    path("wages/payroll-list", wages.payroll, name="payroll"),
    path("wages/rates", wages.rates, name="rates"),
]
