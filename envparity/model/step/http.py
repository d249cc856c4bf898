"""A step over HTTP: a request of the client that a connection belongs to, and what must be answered."""

from __future__ import annotations

from typing import Annotated

import msgspec

from envparity.model.step.values import Amount, Query, Scalar

__all__ = ["Http"]

_Statuses = Annotated[tuple[int, ...], msgspec.Meta(min_length=1)]


class Http(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="http"):
    """Send one request, `POST /api/kernels`, where the backend is reached, and take the answer.

    `on` names the client: the cookies of its answers are kept under it where `cookies` is true, go out with its later
    requests of that kind, and with the connection of that name. One of `json`, `form` and `body` is what is sent.
    `status` is what must be answered, `fields` must be part of its JSON. `capture` maps a new placeholder to a JSON
    Pointer or a dotted name in that, to `header:NAME` or to `cookie:NAME`. `origin` and `source`, in files `from`, are
    as in `connect`. No redirect is followed.
    """

    request: str
    on: str = "a"
    headers: dict[str, str] = {}
    query: Query = ""
    json: object = msgspec.UNSET
    form: dict[str, Scalar | tuple[Scalar, ...]] | None = None
    body: str | None = None
    status: int | _Statuses = 200
    fields: dict[str, object] = {}
    capture: dict[str, str] = {}
    cookies: bool = False
    origin: str | None = None
    source: str | None = msgspec.field(default=None, name="from")
    within_s: Amount | None = None

    @property
    def method(self) -> str:
        """The method of the request."""
        return self.request.partition(" ")[0]

    @property
    def target(self) -> str:
        """The path of the request, as the step says it, and its query where that stands there."""
        return self.request.partition(" ")[2].strip()

    @property
    def statuses(self) -> tuple[int, ...]:
        """Every status that will do."""
        return (self.status,) if isinstance(self.status, int) else self.status
