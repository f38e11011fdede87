"""Which external fields Business Central takes: the dimensions that the settings name (C8).

A dimension value code has at most 20 characters (facts, section 1.3); nothing else can be filled.
"""

from bilag.connectors.dynamics.business_central.body import CODE_MAX
from bilag.connectors.dynamics.business_central.settings import BusinessCentralSettings
from bilag.core.target_field import TargetField, TargetFields


def fields_of(settings: BusinessCentralSettings) -> TargetFields:
    """Return a field for each dimension that stands for an external field of the mapping."""
    return TargetFields(
        tuple(
            TargetField(name, f"{name} ({dimension})", "code", CODE_MAX)
            for name, dimension in settings.dimensions.fields.items()
            if dimension
        ),
        open=False,
    )
