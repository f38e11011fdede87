"""What somebody says to begin with an integration: its system, name and key, and its book.

The API and the portal take the same; a book is one that is there, or one to be made.
"""

from typing import Self

from pydantic import Field, model_validator

from bilag.core.problem import Problem, Refused
from bilag.integrations.configuration import Configuration
from bilag.integrations.model import NUMBER_START_MAX, Currency, Key, Name, NumberPrefix


class NewBook(Configuration):
    """A book to be made: one company of an accounting system, its currency, year and numbers."""

    key: Key
    name: Name
    currency: Currency = "NOK"
    year_start_month: int = Field(1, ge=1, le=12)
    number_prefix: NumberPrefix = ""
    number_start: int = Field(1, ge=1, le=NUMBER_START_MAX)


class NewIntegration(Configuration):
    """An integration to be set up: `book` is the key of a book, `newBook` one to be made."""

    key: Key
    name: Name
    type: str = Field(min_length=1, max_length=100)
    book: Key | None = None
    new_book: NewBook | None = None

    @model_validator(mode="after")
    def _one_book(self) -> Self:
        if (self.book is None) == (self.new_book is None):
            raise Refused(Problem("book_one_of_two", "book"))
        return self
