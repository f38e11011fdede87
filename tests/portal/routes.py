"""Every address that Django's resolver knows, with its parameters filled in for the test's place.

A page added tomorrow is walked without anybody naming it here; a parameter nobody filled fails.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import django
from django.urls import URLPattern, URLResolver, get_resolver

from tests.portal.place import FILLED, QUERIES, Place

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Route:
    """One address: `portal:overview`, `o/<slug:slug>/`, and the view behind it."""

    name: str
    pattern: str
    view: Any

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return the names of the parameters in the order of the address."""
        return tuple(name for _, name in _PARAMETER.findall(self.pattern))

    @property
    def is_api(self) -> bool:
        """Tell whether it is an operation for programs."""
        return self.pattern.startswith("api/")

    @property
    def of_an_organization(self) -> bool:
        """Tell whether the address names an organization."""
        return self.pattern.startswith("o/<")

    @property
    def roles(self) -> tuple[str, ...]:
        """Return the roles that may, as the page's decorator has left them; empty where none is."""
        view = self.view
        while view is not None:
            if roles := getattr(view, "roles", ()):
                return tuple(roles)
            view = getattr(view, "__wrapped__", None)
        return ()

    def path(self, place: Place, slug: str = FILLED) -> str:
        """Return the address at an organization; raises LookupError for an unknown parameter."""

        def fill(found: re.Match[str]) -> str:
            return str(value_of(place, self.name, found[2], slug))

        query = QUERIES.get(self.name, "")
        return f"/{_PARAMETER.sub(fill, self.pattern)}{f'?{query}' if query else ''}"


def routes() -> list[Route]:
    """Return every address there is, in the resolver's order; needs no database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bilag.app.django_settings")
    django.setup()
    return list(_walk(get_resolver(), "", ""))


def pages() -> list[Route]:
    """Return the addresses for people: everything but the API's."""
    return [route for route in routes() if not route.is_api]


def _walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        pattern = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            name = entry.name or getattr(entry.callback, "__name__", "")
            yield Route(f"{namespace}{name}", _plain(pattern), entry.callback)
        else:
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, pattern, inner)


def _plain(pattern: str) -> str:
    """Return a pattern written as a regular expression in the form of the others."""
    pattern = re.sub(r"\(\?P<(\w+)>[^()]*(?:\([^()]*\)[^()]*)*\)", r"<\1>", pattern)
    return pattern.replace("^", "").replace("\\Z", "").replace("$", "").replace("\\", "")


def value_of(place: Place, route: str, parameter: str, slug: str) -> object:
    """Return what a parameter of an address is at an organization of the place.

    Raises LookupError where the place has nothing for it: add it to `place.values`.
    """
    if parameter == "slug":
        return slug
    for key in (f"{route} {parameter}", parameter):
        if key in place.values.get(slug, {}):
            return place.values[slug][key]
    raise LookupError(
        f"the address {route} has a parameter {parameter!r} that tests/portal/place.py has no"
        f" value for at {slug}; say there what it is"
    )
