"""Whether a value is what a type hint asks for, where no type checker looks."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from dependency_injector.providers import Provider


def misfits(provider: Provider[Any]) -> dict[str, Any]:
    """What a provider injects under a name whose type hint asks for something else."""
    assembled: Any = provider
    made = assembled.provides
    given = inspect.signature(made).bind(
        *map(injected, assembled.args),
        **{name: injected(value) for name, value in assembled.kwargs.items()},
    )
    declared = hints(made)
    return {
        name: value
        for name, value in given.arguments.items()
        if name in declared and not fits(value, declared[name])
    }


def injected(argument: Any) -> Any:
    return argument() if isinstance(argument, Provider) else argument


def fits(value: Any, hint: Any) -> bool:
    """An adapter fits the port that it inherits from; the same methods are not enough."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any or hint is object or isinstance(hint, TypeVar):
        return True
    if origin in (Union, UnionType):
        return any(fits(value, choice) for choice in arguments)
    if origin is Annotated:
        return fits(value, arguments[0])
    if origin is Literal:
        return value in arguments
    if origin is type:
        return isinstance(value, type) and _is_a(value, arguments[0])
    if origin is Callable:
        return callable(value) and _takes(value, arguments[0]) and _gives(value, arguments[1])
    if hint is float:
        return isinstance(value, float | int)
    return _is_a(type(value), NoneType if hint is None else hint)


def _is_a(kind: type, hint: Any) -> bool:
    wanted = get_origin(hint) or hint
    if wanted is Any or wanted in kind.__mro__:
        return True
    return wanted.__module__ == "collections.abc" and issubclass(kind, wanted)


def _takes(function: Any, arguments: Any) -> bool:
    if arguments is Ellipsis or isinstance(function, Provider):
        return True
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    return True


def _gives(function: Any, hint: Any) -> bool:
    if isinstance(function, Provider):
        function = getattr(function, "provides", None)
    if isinstance(function, type):
        return _is_a(function, hint)
    if not inspect.isroutine(function):
        function = type(function).__call__
    if get_origin(hint) is Awaitable:
        if not inspect.iscoroutinefunction(inspect.unwrap(function)):
            return False
        (hint,) = get_args(hint)
    given = get_type_hints(function).get("return", Any)
    if get_origin(hint) in (Union, UnionType) and given != hint:
        return any(given == choice for choice in get_args(hint))
    wanted = NoneType if hint is None else hint
    return (
        Any in (given, wanted)
        or given == wanted
        or (isinstance(given, type) and _is_a(given, wanted))
    )


def hints(made: Any) -> dict[str, Any]:
    """What a class or a function says of its parameters."""
    told_by_init = isinstance(made, type) and not is_dataclass(made)
    return get_type_hints(made.__init__ if told_by_init else made)
