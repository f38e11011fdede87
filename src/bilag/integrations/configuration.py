"""The base of everything that an organization configures.

One model describes each thing; `apply`, the API and the portal use the same.
"""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Configuration(BaseModel):
    """Base of all configuration: camelCase outside, unknown keys are errors."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )
