"""Numbers in step: a vector of doubles in registers, for compiled loops that carry several accounts side by side.

A loop of ``+ - * /``, comparisons, ``& | ~``, ``where``, ``highest``, ``magnitude`` and ``any_of`` is one account's
when it is given numbers, and ``WIDTH`` accounts' when it is given ``LANES``: the rules are written once. A lane is
computed by IEEE 754 arithmetic from its own numbers alone, so that its digits depend neither on its neighbours nor on
the processor; LLVM cuts a vector into the registers that there are.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.core.base import BaseContext
from numba.core.datamodel import DataModelManager, PrimitiveModel
from numba.core.extending import intrinsic, lower_builtin, lower_cast, overload, register_model
from numba.core.typeconv import Conversion
from numba.core.typing.context import BaseContext as BaseTypingContext
from numba.core.typing.templates import AbstractTemplate, Signature, infer_global, signature
from numba.np.arrayobj import make_array

from research.engine._timing import Number, highest, where

WIDTH = 8

Kinds: TypeAlias = Sequence[types.Type]
Values: TypeAlias = Sequence[ir.Value]
Compiled: TypeAlias = Callable[..., Number]
Typed: TypeAlias = tuple[Signature, Callable[[BaseContext, ir.IRBuilder, Signature, Values], ir.Value]]
"""What a call is typed as, and what writes its instructions."""


class _Lanes(types.Type):  # type: ignore[misc]
    """A vector, of doubles or of yes and no; a single one of either stands for as many of it."""

    def __init__(self, element: types.Type, llvm: ir.Type) -> None:
        self.element, self.llvm = element, ir.VectorType(llvm, WIDTH)
        super().__init__(f"{element} x {WIDTH}")

    def can_convert_from(self, _: BaseTypingContext | None, other: types.Type) -> Conversion | None:
        of_numbers = self.element is types.float64 and isinstance(other, types.Number)
        return Conversion.safe if of_numbers or other is self.element else None


LANES, TRUTHS = _Lanes(types.float64, ir.DoubleType()), _Lanes(types.boolean, ir.IntType(1))


@register_model(_Lanes)
class _Model(PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: DataModelManager, kind: _Lanes) -> None:
        super().__init__(manager, kind, kind.llvm)


@lower_cast(types.Number, _Lanes)
@lower_cast(types.Boolean, _Lanes)
def _spread(
    context: BaseContext, builder: ir.IRBuilder, given: types.Type, wanted: _Lanes, value: ir.Value
) -> ir.Value:
    value = context.cast(builder, value, given, wanted.element)
    if wanted is TRUTHS:
        value = builder.trunc(value, ir.IntType(1)) if value.type.width > 1 else value
    some = builder.insert_element(ir.Constant(wanted.llvm, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(some, some, zeros)


def _operator(function: Callable[..., object], takes: _Lanes, gives: _Lanes, instruction: str, *first: str) -> None:
    """Teach the compiler one operator on vectors, or on a vector and a number."""

    @infer_global(function)
    class _Template(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Kinds, kws: Mapping[str, types.Type]) -> Signature | None:
            fits = all(item is takes or takes.can_convert_from(None, item) for item in args)
            return signature(gives, *[takes] * len(args)) if fits and takes in args else None

    def lower(context: BaseContext, builder: ir.IRBuilder, kind: Signature, args: Values) -> ir.Value:
        return getattr(builder, instruction)(*first, *args)

    for n in (1, 2):
        lower_builtin(function, *[_Lanes] * n)(lower)


for _name in ("add", "sub", "mul"):
    _operator(getattr(operator, _name), LANES, LANES, f"f{_name}")
_operator(operator.truediv, LANES, LANES, "fdiv")
_operator(operator.neg, LANES, LANES, "fneg")
for _name, _sign in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "==")):
    _operator(getattr(operator, _name), LANES, TRUTHS, "fcmp_ordered", _sign)
_operator(operator.ne, LANES, TRUTHS, "fcmp_unordered", "!=")
for _name in ("and_", "or_"):
    _operator(getattr(operator, _name), TRUTHS, TRUTHS, _name)


def _lowered(function: Callable[..., Typed]) -> Compiled:
    """Compile a call into the instructions that the function gives."""
    return intrinsic(function)  # type: ignore[no-any-return]


def _kinds(*args: types.Type) -> tuple[types.Type, types.Type]:
    """Of the numbers, and of the yes and no, that a function is given: vectors as soon as one is."""
    return (LANES, TRUTHS) if any(isinstance(item, _Lanes) for item in args) else (types.float64, types.boolean)


@_lowered
def _where(_: BaseTypingContext, truth: types.Type, yes: types.Type, no: types.Type) -> Typed:
    """``yes`` where it is true, else ``no``."""
    number, truths = _kinds(truth, yes, no)
    return number(truths, number, number), lambda context, builder, kind, args: builder.select(*args)


@_lowered
def _highest(_: BaseTypingContext, one: types.Type, other: types.Type) -> Typed:
    """The higher of two numbers; the second if one is NaN."""
    number, _truths = _kinds(one, other)
    return number(number, number), lambda context, builder, kind, args: builder.select(
        builder.fcmp_ordered(">", *args), *args
    )


def _teach(function: Compiled, call: Compiled) -> None:
    overload(function, strict=False, jit_options={"forceinline": True})(lambda *arguments: call)


_teach(where, lambda truth, yes, no: _where(truth, yes, no))
_teach(highest, lambda one, other: _highest(one, other))


@_lowered
def magnitude(_: BaseTypingContext, number: types.Type) -> Typed:
    """``|x|``."""
    kind, _truths = _kinds(number)

    def lower(context: BaseContext, builder: ir.IRBuilder, kind: Signature, args: Values) -> ir.Value:
        double = args[0].type
        one, many = ir.Constant(ir.IntType(64), 2**63 - 1), ir.VectorType(ir.IntType(64), WIDTH)
        mask = ir.Constant(many, [one] * WIDTH) if double == LANES.llvm else one  # all bits but the sign
        return builder.bitcast(builder.and_(builder.bitcast(args[0], mask.type), mask), double)

    return kind(kind), lower


@_lowered
def any_of(_: BaseTypingContext, truth: types.Type) -> Typed:
    """Whether it is true anywhere."""
    _number, truths = _kinds(truth)

    def lower(context: BaseContext, builder: ir.IRBuilder, kind: Signature, args: Values) -> ir.Value:
        bits = ir.IntType(WIDTH if truths is TRUTHS else 1)
        return builder.icmp_unsigned("!=", builder.bitcast(args[0], bits), ir.Constant(bits, 0))

    return types.boolean(truths), lower


@_lowered
def load(_: BaseTypingContext, array: types.Type, at: types.Type) -> Typed:
    """``WIDTH`` neighbours of a flat array of doubles, from ``at`` on."""

    def lower(context: BaseContext, builder: ir.IRBuilder, kind: Signature, args: Values) -> ir.Value:
        return builder.load(_place(context, builder, array, *args), align=8)

    return LANES(array, types.intp), lower


@_lowered
def store(_: BaseTypingContext, array: types.Type, at: types.Type, lanes: types.Type) -> Typed:
    """Write them."""

    def lower(context: BaseContext, builder: ir.IRBuilder, kind: Signature, args: Values) -> ir.Value:
        builder.store(args[2], _place(context, builder, array, *args[:2]), align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, LANES), lower


def _place(context: BaseContext, builder: ir.IRBuilder, kind: types.Array, array: ir.Value, at: ir.Value) -> ir.Value:
    data = make_array(kind)(context, builder, array).data
    return builder.bitcast(cgutils.gep_inbounds(builder, data, at), LANES.llvm.as_pointer())
