"""How handlers answer: one entity, a created one, a page of a collection.

What is shown follows `$select` and `$expand`; a created entity says where it is.
"""

from collections.abc import Callable, Iterable

from bilag.sandbox.business_central.books import Books
from bilag.sandbox.business_central.calls import Answer, Call
from bilag.sandbox.business_central.filters import Filter
from bilag.sandbox.business_central.query import page, read_shape
from bilag.sandbox.business_central.schema import ENTITIES
from bilag.sandbox.business_central.values import Row

Handler = Callable[[Books, Call], Answer]


def collection(
    books: Books, call: Call, name: str, rows: Callable[[Filter], Iterable[Row]]
) -> Answer:
    """Answer with a page of a collection."""
    shown = page(
        ENTITIES[name],
        rows,
        books.viewer,
        call.options,
        call.prefer,
        books.options.page_size,
        call.base,
        call.url,
    )
    return Answer(200, shown)


def single(books: Books, call: Call, name: str, row: Row, status: int = 200) -> Answer:
    """Answer with one entity."""
    entity = ENTITIES[name]
    shown = books.viewer.show(entity, row, read_shape(entity, call.options))
    context = {"@odata.context": f"{call.base}$metadata#{name}/$entity"}
    return Answer(status, context | shown)


def created(books: Books, call: Call, name: str, row: Row) -> Answer:
    """Answer 201 with the entity and where it is."""
    answer = single(books, call, name, row, 201)
    location = f"companies({call.company})/{name}({row['id']})"
    return Answer(201, answer.document, location=location)
