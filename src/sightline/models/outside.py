"""Networks of timm (PyTorch Image Models, Apache-2.0), where the `zoo` extra is installed.

Only architectures by name: nothing is downloaded, and a name never becomes an address.
"""

from collections.abc import Callable
from typing import Any

from torch import nn

from sightline.errors import RecipeError, UnknownName
from sightline.types import Size


def timm_build(name: str) -> tuple[Callable[..., nn.Module], tuple[str, ...], Size]:
    """The constructor of a timm network, the names of its heads, and its published input.

    Raises RecipeError where timm cannot be imported, UnknownName for a name that it does not have.
    """
    timm = _timm(name)
    names = timm.list_models()
    if name not in names:
        raise UnknownName("timm model", name, names)
    published = timm.get_pretrained_cfg(name)
    heads = getattr(published, "classifier", None) or "head"
    size = getattr(published, "input_size", (3, 224, 224))[1:]

    def build(outputs: int, channels: int, size: Size) -> nn.Module:
        given: dict[str, Any] = {"num_classes": outputs, "in_chans": channels}
        if size != (224, 224):
            try:  # transformers are made for one size
                return timm.create_model(name, pretrained=False, img_size=size, **given)
            except TypeError:  # convolutions take any
                pass
        return timm.create_model(name, pretrained=False, **given)

    return build, (heads,) if isinstance(heads, str) else tuple(heads), tuple(size)


def _timm(name: str) -> Any:
    try:
        import timm
    except ModuleNotFoundError as error:
        raise RecipeError(
            f"timm:{name} needs {error.name}; install it with: pip install 'sightline[zoo]'"
        ) from None
    except (ImportError, RuntimeError) as error:  # torchvision of another build of torch
        reason = " ".join(str(error).split())[:120]
        raise RecipeError(f"timm:{name}: timm is installed but does not load ({reason})") from None
    return timm
