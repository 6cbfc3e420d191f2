"""Slow, obvious reference versions of the diffusion unlearning methods (SalUn, SFR-on, SA, LUR).

Written from the specification, without sight of the implementation that it will be compared with. Nothing
here draws a random number: images, noise, timesteps and labels (after label dropping) come fixed from the
caller. Everything is float64.

Marks: [spec n] = the specification of the released code's settings, section n; [methods n] = that of classification;
[S1], [S4] = the published slides of SFR-on and LUR; [SalUn], [SFR], [SA] = the public repositories, read for single
facts; (chosen) = no source says.

A network is called as net(x_t, t, y) and returns the predicted noise: x_t [B, C, H, W], t [B] int64 in
0..T-1, y [B] int64 with the label K (the number of classes) meaning "no class". `kept` is the tensor of
cumulative products, alpha-bar [T]. The caller's network is never changed: each function works on its own
float64 copy and returns named weights.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor

Draw = tuple[Tensor, Tensor, Tensor, Tensor]  # x0 [B,C,H,W], noise [B,C,H,W], t [B], y [B]
Named = dict[str, Tensor]


def noisy(x0: Tensor, noise: Tensor, t: Tensor, kept: Tensor) -> Tensor:
    """Return x_t = sqrt(alpha-bar_t) x0 + sqrt(1 - alpha-bar_t) noise, with one t per sample."""
    a = kept.double()[t].reshape(-1, 1, 1, 1)
    return a.sqrt() * x0.double() + (1.0 - a).sqrt() * noise.double()


def guided(net: torch.nn.Module, x_t: Tensor, t: Tensor, y: Tensor, null: int, w: float) -> Tensor:
    """Return the guided prediction (1 + w) eps(x_t, t, y) - w eps(x_t, t, null).  [spec 5]

    The gradient flows through both predictions: [SalUn], [SFR] and [SA] do not stop it in the null one.
    """
    conditional = net(x_t, t, y)
    unconditional = net(x_t, t, torch.full_like(y, null))
    return (1.0 + w) * conditional - w * unconditional


def per_sample(error: Tensor) -> Tensor:
    """Square an error [B, C, H, W] and sum it over C, H, W: one number per sample."""
    return (error**2).sum(dim=(1, 2, 3))


def sample_losses(net: torch.nn.Module, draw: Draw, kept: Tensor) -> Tensor:
    """Return the noise-prediction loss of each sample, SUMMED over C, H, W: shape [B]."""
    x0, noise, t, y = draw
    return per_sample(noise.double() - net(noisy(x0, noise, t, kept), t, y))


def sum_loss(net: torch.nn.Module, draw: Draw, kept: Tensor) -> Tensor:
    """Squared error summed over C, H, W, then averaged over the batch.  [spec 1.1]"""
    return sample_losses(net, draw, kept).mean()


def mean_loss(net: torch.nn.Module, draw: Draw, kept: Tensor) -> Tensor:
    """Squared error averaged over C, H, W, then over the batch: sum_loss / (C H W)."""
    return sum_loss(net, draw, kept) / draw[0][0].numel()


def guided_sum_loss(net: torch.nn.Module, draw: Draw, kept: Tensor, null: int, w: float) -> Tensor:
    """sum_loss with the guided prediction in place of the plain one (used only for the masks).  [spec 1.2]"""
    x0, noise, t, y = draw
    return per_sample(noise.double() - guided(net, noisy(x0, noise, t, kept), t, y, null, w)).mean()


def pseudo_label_loss(net: torch.nn.Module, draw: Draw, pseudo: Tensor, kept: Tensor) -> Tensor:
    """SalUn's forget loss: mean over all of (eps(x_t, t, y) - stopgrad eps(x_t, t, pseudo))^2. [spec 1.2]

    The true noise is used for making x_t only. The target comes from the network being trained, not from a
    frozen copy.
    """
    x0, noise, t, y = draw
    x_t = noisy(x0, noise, t, kept)
    with torch.no_grad():
        target = net(x_t, t, pseudo)
    return ((net(x_t, t, y) - target) ** 2).mean()


def gradients(loss: Tensor, params: Named, *, create_graph: bool = False) -> Named:
    """Return d loss / d parameter for every named parameter; one that the loss does not use gets zeros."""
    found = torch.autograd.grad(loss, list(params.values()), create_graph=create_graph, allow_unused=True)
    pairs = zip(params.items(), found, strict=True)
    return {name: torch.zeros_like(p) if g is None else g for (name, p), g in pairs}


def clip(grads: Named, norm: float | None) -> Named:
    """Scale all gradients by min(1, norm / (total + 1e-6)), total = global L2 norm (torch's clip_grad_norm_).

    None leaves the gradients as they are.
    """
    if norm is None:
        return dict(grads)
    total = math.sqrt(sum(float((g.detach() ** 2).sum()) for g in grads.values()))
    factor = min(1.0, norm / (total + 1e-6))
    return {name: g * factor for name, g in grads.items()}


def masked_gradients(grads: Named, mask: Named) -> Named:
    """Multiply every gradient by its 0/1 mask."""
    return {name: g * mask[name] for name, g in grads.items()}


class Adam:
    """Adam as in torch.optim.Adam (not AdamW), on a dict of named parameters, changing them in place."""

    def __init__(
        self,
        params: Named,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        """Start with zero moments and step count 0."""
        self.params = params
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.first = {name: torch.zeros_like(p) for name, p in params.items()}
        self.second = {name: torch.zeros_like(p) for name, p in params.items()}
        self.count = 0

    @torch.no_grad()
    def step(self, grads: Named) -> None:
        """Take one step; a weight with gradient 0 still moves if its moments are not 0."""
        b1, b2 = self.betas
        self.count += 1
        for name, p in self.params.items():
            g = grads[name].detach() + self.weight_decay * p
            self.first[name] = b1 * self.first[name] + (1.0 - b1) * g
            self.second[name] = b2 * self.second[name] + (1.0 - b2) * g * g
            m = self.first[name] / (1.0 - b1**self.count)
            v = self.second[name] / (1.0 - b2**self.count)
            p -= self.lr * m / (v.sqrt() + self.eps)


def own_copy(net: torch.nn.Module, *, training: bool) -> torch.nn.Module:
    """Return a float64 copy of the network in training or evaluation mode, every parameter trainable."""
    twin = copy.deepcopy(net).double()
    twin.train(training)
    return twin.requires_grad_(True)


def named(net: torch.nn.Module) -> Named:
    """Return the parameters themselves (not copies) by name, in the network's own order."""
    return dict(net.named_parameters())


def snapshot(params: Named) -> Named:
    """Return detached copies of named weights."""
    return {name: p.detach().clone() for name, p in params.items()}
