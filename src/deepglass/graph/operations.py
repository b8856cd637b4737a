"""Names of torch operations made plain, and what their arguments say: kernel, stride, groups."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from deepglass.graph.shape import Shape

ALIASES = {
    "iadd": "add",
    "radd": "add",
    "isub": "sub",
    "rsub": "sub",
    "imul": "mul",
    "rmul": "mul",
    "multiply": "mul",
    "truediv": "div",
    "itruediv": "div",
    "rtruediv": "div",
    "divide": "div",
    "cat": "concatenate",
    "concat": "concatenate",
    "getitem": "index",
    "setitem": "index_put",
    "mm": "matmul",
    "bmm": "matmul",
    "multi_head_attention_forward": "attention",
    "native_multi_head_attention": "attention",
    "scaled_dot_product_attention": "attention",
    "transformer_encoder_layer_fwd": "transformer_layer",
}

# These hand on what they were given: the same numbers under another roof, or blanked behind the ends of rows.
SILENT = {
    *("detach", "data", "contiguous", "to", "type", "type_as", "float", "double", "half", "bfloat16", "cuda", "cpu"),
    *("masked_fill",),
}

WHERE: dict[str, tuple[int, int, int | None]] = {  # positions of kernel (or weight), stride, groups
    "conv1d": (1, 3, 6),
    "conv2d": (1, 3, 6),
    "conv3d": (1, 3, 6),
    "conv_transpose1d": (1, 3, 6),
    "conv_transpose2d": (1, 3, 6),
    "conv_transpose3d": (1, 3, 6),
    "max_pool1d": (1, 2, None),
    "max_pool2d": (1, 2, None),
    "max_pool3d": (1, 2, None),
    "avg_pool1d": (1, 2, None),
    "avg_pool2d": (1, 2, None),
    "avg_pool3d": (1, 2, None),
}


def kind_of(operation: Callable[..., Any]) -> str:
    """ "conv2d" for F.conv2d, "add" for Tensor.__iadd__, "relu" for relu_."""
    name = getattr(operation, "__name__", type(operation).__name__)
    if name in ("__get__", "__set__"):  # an attribute: x.T, x.data
        name = getattr(getattr(operation, "__self__", None), "__name__", name)
    plain = name.strip("_")
    return ALIASES.get(plain, plain)


def makes_constant(kind: str) -> bool:
    """Whether only shape or type is taken from the tensor that was handed in: new_zeros, ones_like."""
    return kind.startswith("new_") or kind.endswith("_like")


def geometry(kind: str, args: Sequence[Any], named: Mapping[str, Any]) -> tuple[Shape, Shape, int]:
    """(kernel, stride, groups) of a convolution or a pool, else ((), (), 1)."""
    if kind not in WHERE:
        return (), (), 1
    at_kernel, at_stride, at_groups = WHERE[kind]
    convolves = at_groups is not None
    window = _argument(args, named, at_kernel, "weight" if convolves else "kernel_size", ())
    dims = int(kind[-2])
    kernel = tuple(window.shape[2:]) if isinstance(window, Tensor) else _each(window, dims)
    stride = _each(_argument(args, named, at_stride, "stride", None) or (1 if convolves else kernel), dims)
    groups = _argument(args, named, at_groups, "groups", 1) if at_groups is not None else 1
    return kernel, stride, groups


def tensors_in(thing: Any) -> Iterator[Tensor]:
    """Every tensor in a nest of tuples, lists, dictionaries and slices."""
    if isinstance(thing, Tensor):
        yield thing
    elif isinstance(thing, Mapping):
        for part in thing.values():
            yield from tensors_in(part)
    elif isinstance(thing, tuple | list):
        for part in thing:
            yield from tensors_in(part)
    elif isinstance(thing, slice):
        yield from tensors_in((thing.start, thing.stop, thing.step))


def _argument(args: Sequence[Any], named: Mapping[str, Any], position: int, name: str, default: Any) -> Any:
    return args[position] if position < len(args) else named.get(name, default)


def _each(value: Any, dims: int) -> Shape:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * dims if len(values) == 1 else values
