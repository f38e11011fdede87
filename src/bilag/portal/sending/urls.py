"""The addresses of these pages, below /o/ORG/settings/."""

from django.urls import URLPattern, path

from bilag.portal.sending import (
    configuration,
    data,
    declaration,
    features,
    pauses,
    periods,
    schedule,
    switch,
)

app_name = "sending"

_SETTINGS = "o/<slug:slug>/settings/"
_INTEGRATION = f"{_SETTINGS}integrations/<slug:key>/"

urlpatterns: list[URLPattern] = [
    path(f"{_INTEGRATION}data", data.included_data, name="data"),
    path(f"{_INTEGRATION}data/left-out", data.left_out, name="left_out"),
    path(f"{_INTEGRATION}schedule", schedule.schedule, name="schedule"),
    path(f"{_INTEGRATION}pauses", pauses.pauses, name="pauses"),
    path(f"{_INTEGRATION}pauses/remove", pauses.remove, name="remove_pause"),
    path(f"{_INTEGRATION}switch", switch.switch, name="switch"),
    path(f"{_SETTINGS}features", features.features, name="features"),
    path(f"{_SETTINGS}features/include", features.include, name="include_feature"),
    path(f"{_SETTINGS}features/declaration", declaration.declaration, name="declaration"),
    path(f"{_SETTINGS}features/declaration/withdraw", declaration.withdraw, name="withdraw"),
    path(f"{_SETTINGS}periods", periods.periods, name="periods"),
    path(f"{_SETTINGS}periods/decide", periods.decide, name="decide"),
    path(f"{_SETTINGS}periods/books/<slug:book_key>", periods.book, name="book"),
    path(f"{_SETTINGS}configuration", configuration.configuration, name="configuration"),
    path(f"{_SETTINGS}configuration/file", configuration.file, name="configuration_file"),
    path(f"{_SETTINGS}configuration/take-in", configuration.take_in, name="take_in"),
    path(f"{_SETTINGS}configuration/copy", configuration.copy, name="copy"),
]
