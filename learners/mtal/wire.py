"""Messages as bytes: arrays and words in the safetensors format, nothing that could be run."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from learners.mtal.messages import KINDS, VERSION, Message, ProtocolError

_HEAD = ("session", "sender", "receiver", "round", "version")


def encode(message: Message) -> bytes:
    """Bytes of a message.

    Parameters
    ----------
    message : Message

    Returns
    -------
    data : bytes
        Its arrays as tensors, the rest as words in the header.
    """
    words = {name: str(getattr(message, name)) for name in (*_HEAD, *message.WORDS)}
    arrays = {name: getattr(message, name) for name in message.ARRAYS}
    return save(arrays, metadata={"message": message.KIND, **words})


def decode(data: bytes) -> Message:
    """Message from its bytes.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    message : Message

    Raises
    ------
    ProtocolError
        If the bytes are no message of this version, carry anything else besides, or the message
        contradicts itself.
    """
    try:
        arrays = load(data)
        words = _header(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ProtocolError(f"bytes that are no message: {error}") from error
    name = words.pop("message", None)
    sender = words.get("sender", "?")
    if words.get("version") != str(VERSION):
        raise ProtocolError(
            f"message of organisation {sender!r}: version {words.get('version')}, where version "
            f"{VERSION} is spoken here"
        )
    kind = KINDS.get(str(name))
    if kind is None:
        raise ProtocolError(f"message of organisation {sender!r}: unknown kind {name!r}")
    if set(words) != {*_HEAD, *kind.WORDS} or set(arrays) != set(kind.ARRAYS):
        found = ", ".join(sorted(set(words) | set(arrays)))
        raise ProtocolError(f"{name} of organisation {sender!r}: does not consist of {found}")
    whole = {"round", "version", "columns", "width", "exchange"} - set(kind.ARRAYS)
    values: dict[str, Any] = {}
    for part in fields(kind):
        if part.name in kind.ARRAYS:
            values[part.name] = arrays[part.name]
        elif part.name in whole:
            values[part.name] = _number(words[part.name], part.name, sender)
        else:
            values[part.name] = words[part.name]
    return kind(**values)


def _header(data: bytes) -> dict[str, str]:
    length = int.from_bytes(data[:8], "little")
    return dict(json.loads(data[8 : 8 + length]).get("__metadata__", {}))


def _number(text: str, what: str, sender: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise ProtocolError(f"message of organisation {sender!r}: {what} {text!r} is no number")
    return int(text)


def pack(words: dict[str, Any], **arrays: np.ndarray[Any, Any]) -> bytes:
    """Bytes of named arrays with a JSON document beside them."""
    return save(
        {name: np.ascontiguousarray(array) for name, array in arrays.items()},
        metadata={"json": json.dumps(words)},
    )


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    """Words and arrays from bytes made by `pack`.

    Raises
    ------
    ValueError
        If they are not.
    """
    try:
        return json.loads(_header(data)["json"]), load(data)
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"not the expected content ({error})") from error
