"""Usage errors in one sentence: the option, and what it takes, in the words of a user."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from typer.core import TyperGroup

from grouping.errors import InputError

_SAID = (
    (r"Input should be a valid integer.*", "give a whole number"),
    (r"Input should be a valid number.*", "give a number"),
    (r"Input should be greater than or equal to (.*)", r"give \1 or more"),
    (r"Input should be less than or equal to (.*)", r"give \1 or less"),
    (r"Input should be greater than (.*)", r"give more than \1"),
    (r"Input should be less than (.*)", r"give less than \1"),
    (r"Value error, (.*)", r"\1"),
)
"""What the library that checks values says, and what is meant."""


class OneSentence(TyperGroup):
    """Commands whose usage errors are failures like any other."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Read the program's own options."""
        return _in_one_sentence(lambda: super(OneSentence, self).make_context(*args, **extra))

    def invoke(self, ctx: Any) -> Any:
        """Read a command's options, and run it."""
        return _in_one_sentence(lambda: super(OneSentence, self).invoke(ctx), ctx)


def _in_one_sentence(run: Callable[[], Any], ctx: Any = None) -> Any:
    try:
        return run()
    except Exception as error:
        # known by what it can do: where its class lives depends on the version of Typer
        if not hasattr(error, "format_message") or type(error).__name__ == "NoArgsIsHelpError":
            raise
        raise InputError(_sentence(error, ctx)) from error


def _sentence(error: Any, ctx: Any) -> str:
    message = error.format_message().rstrip(".")
    named = re.fullmatch(r"Invalid value for (.+?): (.*)", message, re.S)
    if named is not None:
        options, said = named.groups()
        for theirs, ours in _SAID:
            said = re.sub(theirs, ours, said, flags=re.S)
        message = f"{options.replace(chr(39), '')}: {said}"
    path = getattr(getattr(error, "ctx", None), "command_path", None)
    if path is None:  # an option without its value does not know whose it is
        path = " ".join(filter(None, ("grouping", getattr(ctx, "invoked_subcommand", None))))
    return f"{message}; {path} --help shows what there is"
