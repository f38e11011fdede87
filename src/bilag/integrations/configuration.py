"""The base of everything that an organization configures.

One model describes each thing; `apply`, the API and the portal use the same.
"""

from itertools import islice

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

from bilag.core.characters import character_problems
from bilag.core.problem import Refused

_PROBLEMS_MAX = 100


class Configuration(BaseModel):
    """Base of all configuration: camelCase outside, unknown keys are errors.

    No text and no key of it, however deep, holds a control character.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )

    @model_validator(mode="before")
    @classmethod
    def _characters(cls, value: object) -> object:
        if problems := tuple(islice(character_problems(value), _PROBLEMS_MAX)):
            raise Refused(*problems)
        return value
