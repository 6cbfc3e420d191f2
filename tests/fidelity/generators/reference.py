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
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

Draw = tuple[Tensor, Tensor, Tensor, Tensor]  # x0 [B,C,H,W], noise [B,C,H,W], t [B], y [B]
Named = dict[str, Tensor]


# ----------------------------------------------------------------------------------------------------
# Common parts
# ----------------------------------------------------------------------------------------------------


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


# ----------------------------------------------------------------------------------------------------
# SalUn
# ----------------------------------------------------------------------------------------------------


def salun_scores(
    net: torch.nn.Module,
    kept: Tensor,
    mask_draws: Sequence[Draw],
    *,
    null: int,
    guidance: float,
    clip_norm: float | None,
) -> Named:
    """Return |SUM over forget batches of the clipped gradient of the guided sum loss|. [spec 1.2]

    The model is in evaluation mode [spec 1.2]. The absolute value is taken once, after the sum, so batches
    of opposite sign cancel. No weight moves between batches.
    """
    model = own_copy(net, training=False)
    params = named(model)
    total = {name: torch.zeros_like(p) for name, p in params.items()}
    for draw in mask_draws:
        grads = gradients(guided_sum_loss(model, draw, kept, null, guidance), params)
        grads = clip(grads, clip_norm)  # each batch is clipped by itself, before the sum [spec 1.2]
        total = {name: total[name] + grads[name] for name in total}
    return {name: s.detach().abs() for name, s in total.items()}


def top_fraction(scores: Named, fraction: float) -> Named:
    """Return the 0/1 mask of the int(fraction * N) largest scores over ALL weights together.

    (chosen) The count is rounded down, as in [SalUn], [SFR]; of equal scores the one that comes first in the
    network's parameter order is taken. Equal scores matter only where `fraction` reaches the weights with
    score exactly 0.
    """
    flat = torch.cat([s.flatten() for s in scores.values()])
    order = torch.sort(flat, descending=True, stable=True).indices
    chosen = torch.zeros_like(flat)
    chosen[order[: int(fraction * flat.numel())]] = 1.0
    mask: Named = {}
    start = 0
    for name, s in scores.items():
        mask[name] = chosen[start : start + s.numel()].reshape(s.shape)
        start += s.numel()
    return mask


def salun(
    net: torch.nn.Module,
    kept: Tensor,
    mask_draws: Sequence[Draw],
    steps: Sequence[tuple[Draw, Tensor, Draw]],
    *,
    null: int,
    guidance: float,
    fraction: float,
    alpha: float,
    lr: float,
    clip_norm: float | None,
) -> Named:
    """Run SalUn and return all named weights after the last step.  [spec 1.2]

    A step is (forget draw, pseudo labels, remain draw). The labels y and the pseudo labels are used as they
    come, so label dropping of either is the caller's ([SalUn]: both calls in training mode drop labels,
    independently of each other). One Adam for the run, on all weights; with weight decay 0 a masked-out
    weight keeps its value exactly.
    """
    scores = salun_scores(net, kept, mask_draws, null=null, guidance=guidance, clip_norm=clip_norm)
    mask = top_fraction(scores, fraction)
    model = own_copy(net, training=True)
    params = named(model)
    adam = Adam(params, lr)
    for forget, pseudo, remain in steps:
        loss = pseudo_label_loss(model, forget, pseudo, kept) + alpha * sum_loss(model, remain, kept)
        grads = gradients(loss, params)
        # First clip, over ALL weights, then mask: [spec 1.2] "clip 1.0, THEN multiply the gradient ...".
        grads = clip(grads, clip_norm)
        grads = masked_gradients(grads, mask)
        adam.step(grads)
    return snapshot(params)


# ----------------------------------------------------------------------------------------------------
# SFR-on
# ----------------------------------------------------------------------------------------------------


def sfr_on_fisher(
    net: torch.nn.Module,
    kept: Tensor,
    draws: Sequence[Draw],
    *,
    null: int,
    guidance: float,
    clip_norm: float | None,
) -> Named:
    """Return the mean over batches of (clipped gradient of the batch's guided sum loss)^2. [spec 1.2]

    The square is of the batch gradient, not per sample. Evaluation mode: [methods 1.2] and [SFR]; section 1.2
    of the specification does not say it for DDPM.
    """
    model = own_copy(net, training=False)
    params = named(model)
    total = {name: torch.zeros_like(p) for name, p in params.items()}
    for draw in draws:
        grads = gradients(guided_sum_loss(model, draw, kept, null, guidance), params)
        grads = clip(grads, clip_norm)  # clip, then square [spec 1.2]
        total = {name: total[name] + grads[name].detach() ** 2 / len(draws) for name in total}
    return {name: f.detach() for name, f in total.items()}


def sfr_on_mask(forget_fisher: Named, remain_fisher: Named, gamma: float) -> Named:
    """Return 1 where (F_f + 1e-15) / (F_r + 1e-15) >= gamma, else 0; both 0 gives ratio 1. [spec 1.2]"""
    return {
        name: ((forget_fisher[name] + 1e-15) / (remain_fisher[name] + 1e-15) >= gamma).double()
        for name in forget_fisher
    }


def decay(schedule: str, t: int, total: int) -> float:
    """Return c_t, t = 0 .. total-1: "cosine" (1 + cos(pi t / T)) / 2 ([SFR]) or "linear" 1 - t / T ([S1]).

    With T = 1 or T = 2 the two are the same.
    """
    if schedule == "cosine":
        return (1.0 + math.cos(math.pi * t / total)) / 2.0
    if schedule == "linear":
        return 1.0 - t / total
    raise ValueError(f"unknown schedule {schedule!r}")


def sfr_on(
    net: torch.nn.Module,
    kept: Tensor,
    forget_mask_draws: Sequence[Draw],
    remain_mask_draws: Sequence[Draw],
    steps: Sequence[tuple[Draw, Draw]],
    *,
    null: int,
    guidance: float,
    gamma: float,
    adaptivity: float,
    forget_weight: float,
    schedule: str,
    lr: float,
    clip_norm: float | None,
    adaptive: bool = True,
    masked: bool = True,
) -> Named:
    """Run SFR-on and return all named weights after the last step.  [spec 1.2]

    A step is (forget draw, remain draw): one masked weighted ascent update, then one plain remain update with
    the same Adam state. The slow weights are the fast ones (outer step 1, one inner step): the defaults of
    [spec 1.2]. Masked-out weights do move: in the remain updates, and in the ascent updates by the moments
    that those left behind. `adaptive=False` puts w_i = 1 (plain ascent, still with a_t); `masked=False` puts
    a mask of ones.
    """
    if masked:
        common = {"null": null, "guidance": guidance, "clip_norm": clip_norm}
        f_forget = sfr_on_fisher(net, kept, forget_mask_draws, **common)
        f_remain = sfr_on_fisher(net, kept, remain_mask_draws, **common)
        mask = sfr_on_mask(f_forget, f_remain, gamma)
    else:
        mask = {name: torch.ones_like(p, dtype=torch.float64) for name, p in net.named_parameters()}
    model = own_copy(net, training=True)
    params = named(model)
    adam = Adam(params, lr)
    for t, (forget, remain) in enumerate(steps):
        # (a) weighted ascent on the forget batch
        losses = sample_losses(model, forget, kept)
        weights = losses.detach() ** (-adaptivity) if adaptive else torch.ones_like(losses)
        weights = weights / weights.mean()  # over the batch, not over all of D_f as on the slide [spec 1.2]
        a_t = forget_weight * decay(schedule, t, len(steps))
        grads = gradients(-a_t * (weights * losses).mean(), params)
        # First mask, then clip by the norm of what is left: [spec 1.2] "grad*mask, clip 1.0, Adam step".
        grads = masked_gradients(grads, mask)
        grads = clip(grads, clip_norm)
        adam.step(grads)
        # (b) one remain step: weight 1, no mask, same Adam [spec 1.2]
        grads = gradients(sum_loss(model, remain, kept), params)
        grads = clip(grads, clip_norm)
        adam.step(grads)
    return snapshot(params)


# ----------------------------------------------------------------------------------------------------
# Selective Amnesia
# ----------------------------------------------------------------------------------------------------


def selective_amnesia_fisher(
    net: torch.nn.Module,
    kept: Tensor,
    samples: Sequence[tuple[Tensor, int | Tensor, Tensor]],
    *,
    chunks: int,
) -> Named:
    """Return the mean over samples of (gradient of the loss summed over ALL timesteps)^2.  [spec 1.2]

    A sample is (x0 [C,H,W], y, noise [T,C,H,W]). Its gradients ADD over all T timesteps and are squared once,
    at the end; `chunks` only says in how many pieces that sum is made. Per timestep the loss is the sum type,
    the prediction is the plain one (no guidance), and the model is in evaluation mode ([SA]; the
    specification does not say the mode).
    """
    model = own_copy(net, training=False)
    params = named(model)
    total = {name: torch.zeros_like(p) for name, p in params.items()}
    for x0, y, noise in samples:
        inside = {name: torch.zeros_like(p) for name, p in params.items()}
        for t in torch.arange(len(kept)).chunk(chunks):
            draw = (x0.expand(len(t), *x0.shape), noise[t], t, torch.full((len(t),), int(y)))
            grads = gradients(sample_losses(model, draw, kept).sum(), params)  # a sum over timesteps, no mean
            inside = {name: inside[name] + grads[name] for name in inside}
        total = {name: total[name] + inside[name] ** 2 / len(samples) for name in total}
    return {name: f.detach() for name, f in total.items()}


def selective_amnesia(
    net: torch.nn.Module,
    kept: Tensor,
    fisher: Named,
    steps: Sequence[tuple[Draw, Draw]],
    *,
    gamma: float,
    lam: float,
    lr: float,
    clip_norm: float | None,
    half: bool = False,
) -> Named:
    """Run Selective Amnesia and return all named weights after the last step.  [spec 1.2]

    Loss of a step = sum_loss(surrogate) + gamma sum_loss(replay) + lam SUM F (theta - theta0)^2, theta0 =
    weights at the start. There is NO factor 1/2 before lam: [spec 1.2] writes none and the three repositories
    ([SA], [SalUn], [SFR]) have none. `half=True` gives the textbook form of elastic weight consolidation,
    (lam / 2) SUM F (theta - theta0)^2, the same as lam / 2. No label drop in either loss [spec 1.2]: the
    caller gives the plain labels.
    """
    model = own_copy(net, training=True)
    params = named(model)
    start = snapshot(params)
    adam = Adam(params, lr)
    factor = lam / 2.0 if half else lam
    for surrogate, replay in steps:
        penalty = sum((fisher[name].double() * (p - start[name]) ** 2).sum() for name, p in params.items())
        loss = sum_loss(model, surrogate, kept) + gamma * sum_loss(model, replay, kept) + factor * penalty
        grads = gradients(loss, params)
        grads = clip(grads, clip_norm)  # one loss, one clip: the penalty is in it [spec 1.2], [SA]
        adam.step(grads)
    return snapshot(params)


# ----------------------------------------------------------------------------------------------------
# LUR
# ----------------------------------------------------------------------------------------------------


def lur_gradient(
    model: torch.nn.Module,
    kept: Tensor,
    forget: Draw,
    pseudo: Tensor,
    remain: Draw,
    *,
    alpha: float,
    order: str,
    remain_weight: float = 1.0,
    target_at: str = "ahead",
    remain_loss: str = "mean",
) -> Named:
    """Return g = w grad L_r(theta) + (I - alpha H_r) grad L_f(theta'). [S4], [spec 3]

    Here theta' = theta - alpha grad L_r(theta) and H_r is the Hessian of L_r at theta; order "first" drops
    it: g = w grad L_r(theta) + grad L_f(theta'). The weight w stands before the first term only: neither
    theta' nor the Hessian term has it. Meaning of the switches: see `lur`.
    """
    params = named(model)
    loss_r = {"mean": mean_loss, "sum": sum_loss}[remain_loss](model, remain, kept)
    grad_r = gradients(loss_r, params, create_graph=order == "second")

    # theta': plain numbers, cut off from theta. The chain through theta' is put back by hand below.
    ahead = {name: (p - alpha * grad_r[name]).detach().requires_grad_(True) for name, p in params.items()}
    x0, noise, t, y = forget
    x_t = noisy(x0, noise, t, kept)
    with torch.no_grad():  # stopgrad, as in SalUn's forget loss [spec 1.2]
        if target_at == "ahead":
            target = functional_call(model, ahead, (x_t, t, pseudo))
        elif target_at == "here":
            target = model(x_t, t, pseudo)
        else:
            raise ValueError(f"unknown target_at {target_at!r}")
    loss_f = ((functional_call(model, ahead, (x_t, t, y)) - target) ** 2).mean()
    grad_f = gradients(loss_f, ahead)

    if order == "first":
        return {name: remain_weight * grad_r[name].detach() + grad_f[name] for name in params}
    if order != "second":
        raise ValueError(f"unknown order {order!r}")
    # H_r v with v = grad L_f(theta') held fixed: the gradient of <grad L_r(theta), v> (double backward).
    product = sum((grad_r[name] * grad_f[name].detach()).sum() for name in params)
    hessian_v = gradients(product, params)
    return {
        name: remain_weight * grad_r[name].detach() + grad_f[name] - alpha * hessian_v[name]
        for name in params
    }


def lur(
    net: torch.nn.Module,
    kept: Tensor,
    steps: Sequence[tuple[Draw, Tensor, Draw]],
    *,
    alpha: float,
    order: str,
    lr: float,
    remain_weight: float = 1.0,
    target_at: str = "ahead",
    remain_loss: str = "mean",
    clip_norm: float | None = None,
) -> Named:
    """Run LUR and return all named weights after the last step.  [S4], [spec 3, 7]

    A step is (forget draw, pseudo labels, remain draw); `order` is "second" or "first". No mask; no clipping
    unless asked for. L_f is SalUn's forget loss ([spec 3], an inference there).

    `target_at` (chosen: "ahead"): the target eps(x_t, t, pseudo) of L_f is computed without gradient at
    theta' ("ahead") or at theta ("here"). No source says. "ahead" reads L_f(theta') literally: L_f takes its
    target from the network that it is given.

    `remain_loss` (chosen: "mean"): L_r is the mean or the sum type. No source says for DDPM; [spec 7] weighs
    the remain loss in mean units. With D = C H W, "sum" with alpha and w is exactly "mean" with alpha D and
    w D.

    Attention runs with torch's plain kernel, because the fast CPU one has no second derivative [spec 5].
    """
    model = own_copy(net, training=True)
    params = named(model)
    adam = Adam(params, lr)
    with sdpa_kernel(SDPBackend.MATH):
        for forget, pseudo, remain in steps:
            grads = lur_gradient(
                model,
                kept,
                forget,
                pseudo,
                remain,
                alpha=alpha,
                order=order,
                remain_weight=remain_weight,
                target_at=target_at,
                remain_loss=remain_loss,
            )
            grads = clip(grads, clip_norm)
            adam.step(grads)
    return snapshot(params)
