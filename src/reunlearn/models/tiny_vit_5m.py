"""TinyViT-5M (Wu et al. 2022), timm's; GDR-GMA trains it from scratch on images resized to 224×224.

Stochastic depth is 0, as in timm and in GDR-GMA. The official weights are those that timm loads by default:
distilled on ImageNet-22k, with 21,841 outputs. Attention is computed without torch's fused kernels: they have no second
derivative, which LUR needs.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from reunlearn.models._pretrained import Official, load

PRETRAINED = Official(
    "model.safetensors",
    "https://huggingface.co/timm/tiny_vit_5m_224.dist_in22k/resolve/main/model.safetensors",
    head="head.fc",
    repository="timm/tiny_vit_5m_224.dist_in22k",
)
MULTIPLES = {"width": 2}  # two attention heads share it
ALONE = 33  # on smaller images BatchNorm gets a single pixel of each sample


def build(
    shape: tuple[int, int, int],
    classes: int,
    width: int = 64,
    drop_path: float = 0.0,
    pretrained: str | None = None,
) -> nn.Module:
    """Return the network (5,074,974 parameters for 10 classes).

    Args:
        shape: channels, height, width of the images; any size.
        classes: number of outputs.
        width: channels of the first stage, an even number; the stages have 1, 2, 2½ and 5 times as many.
        drop_path: the largest probability of stochastic depth, in the last block.
        pretrained: "cache" or a path; the official weights have width 64.
    """
    from reunlearn.data.torchvision_compat import declare_operators

    declare_operators()  # timm imports torchvision
    import timm

    model = timm.create_model(
        "tiny_vit_5m_224",
        pretrained=False,
        in_chans=shape[0],
        num_classes=classes,
        drop_path_rate=drop_path,
        embed_dims=[width, 2 * width, 5 * width // 2, 5 * width],
    )
    for module in model.modules():
        if hasattr(module, "attention_bias_cache"):
            _switch_off_kernel_and_cache(module)
    return load(model, pretrained, PRETRAINED) if pretrained else model


def _switch_off_kernel_and_cache(attention: Any) -> None:
    """Switch off the fused kernel and the cache of timm's attention.

    In evaluation mode timm stores the biases of the first call: later changes of the weights would have no effect, and
    a second backward pass would fail, because the graph of the first is freed. Unlearning does both in evaluation mode.
    """
    attention.fused_attn = False
    attention.register_forward_hook(_clear_cache, always_call=True)


def _clear_cache(attention: Any, *_: Any) -> None:
    attention.attention_bias_cache.clear()
