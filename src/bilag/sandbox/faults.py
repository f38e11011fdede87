"""Faults on demand: which request is struck by what, by position, every n-th, or by chance.

A plan with a seed strikes the same requests each time; nothing here knows of HTTP.
"""

import random
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

# "post" and "inner" are Business Central's: a posting action, one operation inside a batch.
Place = Literal["write", "read", "token", "company", "post", "inner"]
Kind = Literal[
    "lost_answer",  # acted on, then the connection is cut
    "error_after",  # acted on, then 500
    "gateway_timeout",  # acted on, then 504 after `seconds`
    "slow",  # acted on, answered after `seconds`
    "drip",  # acted on, answered a byte at a time, `seconds` apart
    "garbage",  # acted on, answered with a web page and 200
    "cut_answer",  # acted on, half an answer
    "wrong_company",  # answers for another company
    "null_data",  # acted on, answered with `{"data": null}` (GraphQL)
    "other_reference",  # a search that answers with another voucher
    "late_commit",  # acted on only after `seconds`, when nobody may be waiting any more
    "error_before",  # 500, nothing done
    "too_many",  # 429 with `retryAfter`, nothing done
    "expired_token",  # 401, nothing done; the token presented is worthless from now on
    "lock",  # refused because another session holds the record, nothing done (Business Central)
    "reset_before",  # the connection is cut, nothing done
    "silent",  # never answers, nothing done
    "redirect",  # 307 to `location`, nothing done
    "huge",  # an answer of 8 MB, nothing done
    "status",  # `status`, nothing done
    "echo",  # 400 with all headers of the request in it, secrets too, nothing done
]


@dataclass(slots=True)
class Fault:
    """One kind of fault and when it strikes; without a rule it strikes every request.

    Positions count from 1, from the moment the fault was set.
    """

    kind: Kind
    on: Place = "write"
    at: frozenset[int] = frozenset()
    every: int = 0
    probability: float | None = None
    seed: int = 0
    seconds: float = 0.2
    retry_after: str = "1"
    location: str = "http://10.0.0.1/"
    status: int = 503
    seen: int = 0
    struck: int = 0
    _chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind) or self.on not in get_args(Place):
            raise ValueError(f"there is no fault {self.kind!r} on {self.on!r}")
        self._chance = random.Random(self.seed)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Fault":
        """Read a fault as it is posted; raises ValueError or TypeError for what is not one."""
        names = {"retryAfter": "retry_after"}
        chosen = {names.get(name, name): given for name, given in value.items()}
        chosen["at"] = frozenset(chosen.get("at", ()))
        if "retry_after" in chosen:
            chosen["retry_after"] = str(chosen["retry_after"])
        return cls(**chosen)

    def as_json(self) -> dict[str, Any]:
        """Return kind, place and how often it was asked and struck."""
        return {"kind": self.kind, "on": self.on, "seen": self.seen, "struck": self.struck}

    def strikes(self) -> bool:
        """Count one request and return whether it is struck."""
        self.seen += 1
        if self.at:
            hit = self.seen in self.at
        elif self.every:
            hit = self.seen % self.every == 0
        elif self.probability is not None:
            hit = self._chance.random() < self.probability
        else:
            hit = True
        self.struck += hit
        return hit


class FaultPlan:
    """All faults that are set; the first that strikes a request wins."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def next(self, place: Place) -> Fault | None:
        """Count one request at this place and return the fault that strikes it, if any."""
        if not self.faults:
            return None
        struck = [fault for fault in self.faults if fault.on == place and fault.strikes()]
        return struck[0] if struck else None
