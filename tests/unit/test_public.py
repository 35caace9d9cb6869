"""What a program may name: every type that a public signature mentions can be imported from pagesight itself."""

import ast
import inspect
import sys
import typing
from functools import cache

import pytest

import pagesight
from pagesight import errors
from pagesight.storage import errors as defined

OPERATORS = ("__call__", "__enter__", "__getitem__", "__iter__", "__len__")
# What our own encoder calls, with a checkpoint and rows that it has opened.
NOT_FOR_PROGRAMS = {"JinaEmbeddingsV4.load", "JinaEmbeddingsV4.encode"}


@cache
def namespace(module_name):
    """What a module's annotations may name: its globals, and what it imports for type checkers only."""
    module = sys.modules[module_name]
    names = dict(vars(module))
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            exec(compile(ast.Module(node.body, []), module_name, "exec"), names)
    for name, alias in vars(module).get("__annotations__", {}).items():
        if alias == "TypeAlias" and isinstance(names[name], str):
            names[name] = eval(names[name], names)
    return names


def signatures(owner):
    """(name, function) of what a class lets programs call."""
    for base in owner.__mro__:
        if not base.__module__.startswith("pagesight"):
            continue
        for name, member in vars(base).items():
            if name.startswith("_") and name not in OPERATORS:
                continue
            function = (
                member.fget if isinstance(member, property) else inspect.unwrap(getattr(member, "__func__", member))
            )
            if inspect.isfunction(function) and f"{base.__name__}.{name}" not in NOT_FOR_PROGRAMS:
                yield name, function


def ours_in(hint):
    """Our classes in a type, however deep."""
    if isinstance(hint, list | tuple):  # arguments of a Callable
        return set().union(*map(ours_in, hint))
    found = set().union(*map(ours_in, typing.get_args(hint)))
    if inspect.isclass(hint) and hint.__module__.startswith("pagesight"):
        found.add(hint)
    return found


@cache
def named_by(exported):
    """Our classes that an exported class or function, or a function of an exported module, names."""
    if inspect.ismodule(exported):
        functions = [vars(exported)[name] for name in vars(exported) if not name.startswith("_")]
        functions = [f for f in functions if inspect.isfunction(f) and f.__module__ == exported.__name__]
    elif inspect.isfunction(exported):
        functions = [exported]
    else:
        functions = [function for _, function in signatures(exported)]
    hints = [typing.get_type_hints(f, None, namespace(f.__module__)) for f in functions]
    if inspect.isclass(exported):
        hints.append(typing.get_type_hints(exported, None, namespace(exported.__module__)))
        hints[-1] = {name: hint for name, hint in hints[-1].items() if not name.startswith("_")}
    return set().union(*(ours_in(hint) for found in hints for hint in found.values()))


def missing(names):
    """Names of our classes that what goes by these names mentions, and that are none of them."""
    exported = {name: getattr(pagesight, name) for name in names}
    mentioned = set().union(*(named_by(value) for value in exported.values()))
    return {cls.__name__ for cls in mentioned if not any(cls is value for value in exported.values())}


def test_every_type_of_a_public_signature_is_public():
    assert missing(pagesight.__all__) == set()


@pytest.mark.parametrize(
    "name",
    [
        "IndexSummary",
        "Outcome",
        "Encoder",
        "PageWords",
        "View",
        "Space",
        "Finding",
        "SearchFields",
        "NewPage",
        "PageDone",
    ],
)
def test_a_type_that_is_not_public_is_noticed(name):
    """In a result, a field, a protocol, a keyword, a callback."""
    assert missing(set(pagesight.__all__) - {name}) == {name}


def test_names_are_listed_once_and_in_order():
    names = [name for name in pagesight.__all__ if name != "similarity"]
    assert names == sorted(set(names))


def test_every_public_name_says_what_it_is():
    for name in pagesight.__all__:
        value = getattr(pagesight, name)
        assert value.__doc__, f"{name} has no docstring"
        assert not value.__doc__.startswith(f"{name}("), f"{name} has only the docstring that dataclasses make"


def test_public_errors_are_all_errors_there_are():
    classes = {name for name, value in vars(defined).items() if inspect.isclass(value) and issubclass(value, Exception)}
    assert set(errors.__all__) == set(defined.__all__) == classes
    assert len(errors.__all__) == len(classes)
    for name in classes:
        assert getattr(errors, name) is getattr(defined, name)
        assert getattr(errors, name).__doc__, f"{name} has no docstring"
        assert name in defined.__doc__, f"{name} is not in the tree that the docstring draws"


def test_what_type_checkers_are_told_is_what_there_is():
    """The list for lazy imports, the block for type checkers and ``__all__`` say the same."""
    from pagesight import engine

    tree = ast.parse(inspect.getsource(engine))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    told = {alias.name: node.module for node in block.body for alias in node.names}
    assert told.pop("similarity") == "pagesight.engine"
    assert told == engine._HOMES
    assert set(engine.__all__) == {*told, "similarity"}
