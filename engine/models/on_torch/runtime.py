"""Where a model of torch runs, and in which precision."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pagesight.storage.errors import ConfigError, DeviceMemory, ExtraMissing

DTYPES = ("auto", "float32", "bfloat16", "float16")
BATCH_TOKENS_GPU = 8_192  # eleven pages of the usual size, which keep any GPU busy
BATCH_TOKENS_CPU = 1_024  # a page; more at once is slower there, see benchmarks/encode.py


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """device, dtype, attention: as torch and transformers name them. batch_tokens: of one forward pass."""

    device: str
    dtype: str
    attention: str
    batch_tokens: int


def place(device: str = "auto", dtype: str = "auto", batch_tokens: int | None = None) -> Placement:
    """Choose what is left to choose: CUDA in bfloat16 with flash attention where they are there, else float32 on the CPU.

    On the CPU bfloat16 halves the memory, and is faster where the processor has instructions for it; it is not chosen by
    itself, because its vectors differ a little. Raises ConfigError for a device that this machine does not have.
    """
    import torch

    if dtype not in DTYPES:
        raise ConfigError(f"there is no dtype {dtype!r}; there are {', '.join(DTYPES)}")
    if batch_tokens is not None and batch_tokens < 1:
        raise ConfigError(f"batch_tokens must be positive, not {batch_tokens}")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    check_device(device)
    on_gpu = device != "cpu"
    if dtype == "auto":
        has_bfloat16 = device.startswith("cuda") and torch.cuda.is_bf16_supported(including_emulation=False)
        dtype = "bfloat16" if has_bfloat16 else "float32"
    return Placement(
        device=device,
        dtype=dtype,
        attention="flash_attention_2" if _has_flash_attention(device, dtype) else "sdpa",
        batch_tokens=batch_tokens or (BATCH_TOKENS_GPU if on_gpu else BATCH_TOKENS_CPU),
    )


def require_device(name: str) -> None:
    """Raise ExtraMissing without torch, ConfigError unless it can use this device."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise ExtraMissing(f"what scoring on {name!r} needs (torch)", "jina")
    check_device(name)


def check_device(name: str) -> None:
    """Raise ConfigError unless torch can use this device."""
    import torch

    try:
        torch.zeros(1, device=name).item()  # "meta" makes tensors without numbers
    except Exception as error:  # torch raises AssertionError and RuntimeError, and lists all it knows
        found = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
        known = ", ".join(["cpu", *found]) + ("" if found else " (this torch sees no GPU)")
        raise ConfigError(f"the device {name!r} cannot be used here; there are {known}") from error


def require_memory(n_weights: int, dtype: str, device: str, free_bytes: int | None = None) -> None:
    """Raise DeviceMemory if so many weights do not fit. free_bytes: as the device says it by default."""
    import torch

    needed = n_weights * getattr(torch, dtype).itemsize
    free = _free_bytes(device) if free_bytes is None else free_bytes
    if free is not None and needed > free:
        smaller = "" if dtype != "float32" else "; half as much with dtype='bfloat16'"
        raise DeviceMemory(
            f"the weights take {needed / 1e9:.1f} GB in {dtype}, and {device} has {free / 1e9:.1f} GB free{smaller}"
        )


def _free_bytes(device: str) -> int | None:
    """Memory that can be had, None where nobody says."""
    import torch

    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _has_flash_attention(device: str, dtype: str) -> bool:
    from transformers.utils import is_flash_attn_2_available

    return device.startswith("cuda") and dtype != "float32" and bool(is_flash_attn_2_available())
