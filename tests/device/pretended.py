"""A GPU that is not there: its tensors lie on the processor and refuse what CUDA would refuse.

Inside `pretended()`, "cuda:0" is a device. Every operation runs on the processor, but one whose tensors are of both
devices raises, as does `numpy()`; what has no exact form on a GPU, and so another sum each time, is written down. No
kernel of CUDA is run: what cuBLAS or cuDNN make of it is not seen, and bf16 is not tried.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

GPU = torch.device("cuda", 0)
BETWEEN = {"_to_copy", "copy_", "_local_scalar_dense", "_pack_padded_sequence", "set_"}  # of both devices by nature
INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}  # by rows that may lie elsewhere


@dataclass
class Seen:
    """What was done on the device that differs from one run to the next."""

    uneven: set[str] = field(default_factory=set)


class OnGpu(Tensor):
    """A tensor that says it is on the GPU, around one on the processor."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor, requires_grad: bool = False) -> "OnGpu":
        held = _held(held)
        found = Tensor._make_wrapper_subclass(  # pyright: ignore
            cls, held.size(), strides=held.stride(), dtype=held.dtype, device="meta", requires_grad=requires_grad
        )
        found.held = held
        return found

    device = property(lambda self: GPU)  # pyright: ignore
    is_cuda, is_cpu, is_meta = property(lambda self: True), property(lambda self: False), property(lambda self: False)  # pyright: ignore
    __torch_function__ = torch._C._disabled_torch_function_impl  # pyright: ignore

    def tolist(self) -> Any:
        return self.held.tolist()

    def new_tensor(self, data: Any, **more: Any) -> "OnGpu":
        return OnGpu(self.held.new_tensor(data, **more))

    def data_ptr(self) -> int:
        return self.held.data_ptr()

    def numpy(self, *_: Any, **__: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return done(func, args, kwargs or {}, Seen())


class Dispatch(TorchDispatchMode):
    """Runs every operation on the processor and brings what it gives to where it belongs."""

    def __init__(self, seen: Seen):
        super().__init__()
        self.seen = seen

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return done(func, args, kwargs or {}, self.seen)


def done(func: Any, args: Any, kwargs: dict[str, Any], seen: Seen) -> Any:
    """What an operation gives; RuntimeError where its tensors are of both devices."""
    name, tensors = func._schema.name.split("::")[1], [one for one in tree_leaves((args, kwargs)) if _is(one)]
    there = [one for one in tensors if isinstance(one, OnGpu)]
    asked = torch.device(kwargs["device"]) if kwargs.get("device") is not None else None
    onto = bool(there) if asked is None else asked.type != "cpu"
    if there and name not in BETWEEN:
        _refuse(name, args, [one for one in tensors if not isinstance(one, OnGpu) and one.ndim])
        if uneven(name, tree_map(_held, args)):
            seen.uneven.add(name)
    if asked is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    found = func(*tree_map(_held, args), **tree_map(_held, kwargs))
    if name.endswith("_") and not name.endswith("__") and isinstance(found, Tensor):
        return args[0]  # in place
    return tree_map(lambda one: OnGpu(one) if _is(one) else one, found) if onto else found


def _refuse(name: str, args: Any, elsewhere: list[Tensor]) -> None:
    if name in INDEXED and isinstance(args[0], OnGpu):
        elsewhere = [one for one in args[2:3] if isinstance(one, Tensor) and not isinstance(one, OnGpu) and one.ndim]
    if elsewhere:
        shapes = ", ".join(str(tuple(one.shape)) for one in elsewhere)
        raise RuntimeError(f"Expected all tensors to be on the same device: {name} was given {shapes} of the processor")


def uneven(name: str, args: Any) -> bool:
    """Whether CUDA adds up in another order each time: what torch's own list of such operations says."""
    if name == "nll_loss2d_forward":
        return args[3] != 0  # but for each place by itself
    if name == "max_pool3d_with_indices_backward":
        return bool(args[3]) and any(step < side for step, side in zip(args[3], args[2], strict=True))  # it overlaps
    if name == "grid_sampler_2d_backward":
        return args[6][0]  # of the picture, not of the places
    if name == "_adaptive_avg_pool2d_backward":
        return any(whole % part for whole, part in zip(args[1].shape[2:], args[0].shape[2:], strict=True))
    return name in UNEVEN or (name == "cumsum" and args[0].is_floating_point())


UNEVEN = frozenset(
    [
        *("avg_pool3d_backward", "_adaptive_avg_pool3d_backward", "adaptive_max_pool2d_backward"),
        *(f"upsample_{how}_backward" for how in ("linear1d", "bilinear2d", "bicubic2d", "trilinear3d")),
        *(f"{how}_pad{dims}d_backward" for how in ("reflection", "replication") for dims in (1, 2, 3)),
        *("_ctc_loss_backward", "put_", "histc", "kthvalue", "scatter_reduce", "grid_sampler_3d_backward"),
    ]
)


@contextlib.contextmanager
def pretended() -> Iterator[Seen]:
    """Inside the `with`, there is a GPU."""
    seen = Seen()
    with (
        mock.patch("torch.cuda._lazy_init", lambda: None),
        mock.patch("torch.cuda.synchronize", lambda *_: None),
        mock.patch.object(Tensor, "pin_memory", lambda self: self),
        mock.patch("torch.autocast", _Plain),
        mock.patch("torch.tensor", _brought(torch.tensor)),
        Dispatch(seen),
    ):
        yield seen


class _Plain(contextlib.nullcontext[None]):
    def __init__(self, *_: Any, **__: Any):
        super().__init__()


def _brought(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Made on the processor, then brought to the device: torch's own would look for it."""

    def made(*args: Any, device: Any = None, **more: Any) -> Tensor:
        found = make(*args, **more)
        return found if device is None else found.to(device)

    return made


def _is(one: Any) -> bool:
    return isinstance(one, Tensor)


def _held(one: Any) -> Any:
    return one.held if isinstance(one, OnGpu) else one
