"""NTK scrubbing with dense Jacobians. Golatkar et al. 2020 (Forgetting outside the box).

In this order:
 1. Evaluation mode for every forward; everything is taken at the trained weights θ.
 2. For every single sample and every class: the gradient of that logit by all trainable parameters. These are the
    columns of J [P, n·K], sample by sample, classes inside. The residual f0 − y = softmax(logits) − one-hot has the
    same order.
 3. w(S) = −J_S (J_Sᵀ J_S + n_S λ I)⁻¹ (f0 − y)_S for S = D (retain samples, then forget samples) and S = retain; n_S is
    the number of SAMPLES of S.
 4. Δ = w(retain) − w(D).
 5. Trapezium trick: e = θ − θ_init − w(retain); c = cos(Δ, e); s = (|Δ| + 2 · |c| · |e|) / |Δ|.
 6. θ += s · Δ.
No buffers are touched; the mode the model came in is put back.

`data`: {"retain": (inputs, labels), "forget": (inputs, labels)}.
`initial`: {parameter name: initial weight}, needed for the trapezium trick.
`lambda_`: the weight decay (0.1 in the small setting).
`scale`: a number in place of the trick.
`residual`: "softmax", or "logit" for logits − one-hot, the residual of a squared loss.

The paper names the trapezium trick without a formula. The one above is |Δ| + 2 sin(angle − 90°) |e| for an obtuse angle
and |Δ| + 2 cos(angle) |e| otherwise; both are |Δ| + 2 |cos| |e|. `trapezium="signed"` of `trapezium_scale` keeps the
sign of the cosine.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ._losses import softmax
from ._modes import evaluating
from ._samples import Batch
from ._weights import Tensors, add_to, flat, gradients, split_like, trainable, with_zeros


def jacobian_and_residual(
    model: nn.Module, samples: Batch, *, residual: str = "softmax"
) -> tuple[Tensor, Tensor]:
    """Return J [P, n·K] and the residuals [n·K] of step 2."""
    parameters = trainable(model)
    x, y = samples
    columns, residuals = [], []
    with evaluating(model):
        for i in range(len(y)):
            logits = model(x[i : i + 1])[0]
            outputs = softmax(logits).detach() if residual == "softmax" else logits.detach()
            for c in range(len(logits)):
                columns.append(flat(with_zeros(gradients(logits[c], parameters), parameters)))
                residuals.append(outputs[c] - (1.0 if c == int(y[i]) else 0.0))
    return torch.stack(columns, dim=1), torch.stack(residuals)


def linear_solution(jacobian: Tensor, residual: Tensor, number_of_samples: int, lambda_: float) -> Tensor:
    """Return w = −J (Jᵀ J + n λ I)⁻¹ (f0 − y), [P] (step 3)."""
    kernel = jacobian.T @ jacobian
    kernel = kernel + number_of_samples * lambda_ * torch.eye(len(kernel), dtype=kernel.dtype)
    return -jacobian @ (torch.linalg.inv(kernel) @ residual)


def trapezium_scale(delta: Tensor, error: Tensor, trapezium: str = "absolute") -> float:
    """Return s of step 5."""
    cosine = float(delta @ error / (delta.norm() * error.norm()))
    if trapezium == "absolute":
        cosine = abs(cosine)
    return float((delta.norm() + 2.0 * cosine * error.norm()) / delta.norm())


def reference(
    model: nn.Module,
    data: dict[str, Batch],
    *,
    lambda_: float,
    initial: Tensors | None = None,
    scale: float | None = None,
    residual: str = "softmax",
) -> nn.Module:
    """Add Δ; give `initial` for the trapezium trick, or `scale` to fix the step."""
    parameters = trainable(model)
    j_retain, r_retain = jacobian_and_residual(model, data["retain"], residual=residual)
    j_forget, r_forget = jacobian_and_residual(model, data["forget"], residual=residual)
    n_retain, n_forget = len(data["retain"][1]), len(data["forget"][1])
    w_retain = linear_solution(j_retain, r_retain, n_retain, lambda_)
    w_full = linear_solution(
        torch.cat([j_retain, j_forget], dim=1),
        torch.cat([r_retain, r_forget]),
        n_retain + n_forget,
        lambda_,
    )
    delta = w_retain - w_full
    if scale is None:
        if initial is None:
            raise ValueError("the trapezium trick needs the initial weights")
        start = flat({name: initial[name] for name in parameters})
        scale = trapezium_scale(delta, flat(parameters) - start - w_retain)
    add_to(parameters, split_like(delta, parameters), scale)
    return model
