"""The Django application that carries the migrations of all rooms."""

from django.apps import AppConfig


class BilagConfig(AppConfig):
    """Registers `bilag.app` as the label `bilag`; it has migrations and no models."""

    name = "bilag.app"
    label = "bilag"
