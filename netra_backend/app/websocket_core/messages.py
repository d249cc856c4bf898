"""What clients may say, exactly: no field too many, none too few; a refusal names the field that is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from netra_backend.app.websocket_core.refusals import error_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netra_backend.app.websocket_core.refusals import Frame

MAX_ID_LENGTH = 128
MAX_HISTORY = 200


def _storable(text: str) -> str:
    """PostgreSQL holds neither U+0000 nor half a surrogate pair."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds U+0000 or a lone surrogate")
    return text


Identifier = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH), AfterValidator(_storable)]


class ClientMessage(BaseModel):
    """Anything that a client says. How to check it is worked out when the first one comes, not while starting."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, defer_build=True)


class Authenticate(ClientMessage):
    """The first frame, when no header had the token."""

    type: Literal["authenticate"]
    token: Annotated[str, Field(min_length=1)]


class UserMessage(ClientMessage):
    """Something for the agent. Without a thread it starts one."""

    type: Literal["user_message"]
    message_id: Identifier
    thread_id: Identifier | None = None
    text: Annotated[str, Field(min_length=1), AfterValidator(_storable)]


class History(ClientMessage):
    """Asks for what was said in a thread."""

    type: Literal["history"]
    thread_id: Identifier
    limit: Annotated[int, Field(ge=1, le=MAX_HISTORY)] = 50


class Ping(ClientMessage):
    """Asks whether the backend is there."""

    type: Literal["ping"]
    id: Identifier | None = None


MESSAGE_TYPES: Mapping[str, type[ClientMessage]] = {
    "authenticate": Authenticate,
    "user_message": UserMessage,
    "history": History,
    "ping": Ping,
}
_CODES = {"missing": "missing_field", "extra_forbidden": "unexpected_field"}
_WORDS = {"missing_field": "is missing", "unexpected_field": "is not expected", "invalid_field": "has a wrong value"}
_FIRST = {"missing_field": 0, "unexpected_field": 1, "invalid_field": 2}


class MessageRefused(Exception):
    """A frame is not a message; `error` is what the client is told, and the connection stays."""

    def __init__(self, error: Frame) -> None:
        super().__init__(error["code"])
        self.error = error


def message_in(text: str | None) -> ClientMessage:
    """Read one frame; None stands for a binary one. Raises MessageRefused, with the field where one is to blame."""
    if text is None:
        raise refused("invalid_json", "Messages are text frames.")
    try:
        held = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise refused("invalid_json", "The frame is not JSON.") from None
    if not isinstance(held, dict):
        raise refused("invalid_json", "The frame is not a JSON object.")
    if "type" not in held:
        raise refused("missing_field", "The field 'type' is missing.", "type")
    if not isinstance(held["type"], str):
        raise refused("invalid_field", "The field 'type' has a wrong value.", "type")
    kind = MESSAGE_TYPES.get(held["type"])
    if kind is None:
        raise refused("unknown_type", "There is no message of this type.", "type")
    try:
        return kind.model_validate(held)
    except ValidationError as wrong:
        code, field = _first_mistake(wrong)
        raise refused(code, f"The field {field!r} {_WORDS[code]}.", field) from None


def refused(code: str, message: str, field: str | None = None) -> MessageRefused:
    """A refusal that names the field, where one is to blame."""
    return MessageRefused(error_frame(code, message, retryable=False, field=field))


def _first_mistake(wrong: ValidationError) -> tuple[str, str]:
    """What is missing before what is too much before what is wrong, so that the answer does not depend on chance."""
    mistakes = [
        (_CODES.get(error["type"], "invalid_field"), str(error["loc"][0])[:MAX_ID_LENGTH])
        for error in wrong.errors(include_url=False, include_input=False, include_context=False)
    ]
    return min(mistakes, key=lambda mistake: _FIRST[mistake[0]])


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON (RFC 8259 §6)")
