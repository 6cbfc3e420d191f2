"""NTK scrubbing with dense Jacobians. METHODS 2.19.

Order of operations:
 1. eval mode for every forward; everything is taken at the trained weights theta.
 2. For every single sample and every class: gradient of that logit w.r.t. all trainable parameters: the
    columns of J (P x nC), sample by sample, classes inside. Residual column f0 - y = softmax(logits) -
    one-hot, same order.
 3. w(S) = -J_S (J_S^T J_S + n_S * lambda * I)^-1 (f0 - y)_S for S = D (retain samples, then forget samples)
    and S = Dr; n_S is the number of SAMPLES of S.
 4. Delta = w(Dr) - w(D).
 5. Trapezium trick: e = theta - theta_init - w(Dr); c = cos(Delta, e);
    s = (|Delta| + 2 * |c| * |e|) / |Delta|.
 6. theta += s * Delta.
No buffers touched, the mode the model came in is put back.

``data``: {"retain": (inputs, labels), "forget": (inputs, labels)}.
``initial``: {parameter name: initial weight}, needed for the trapezium trick only.
``lambda_``: weight decay (0.1 in the small setting).

Left open by METHODS, arguments here:
 - the formula of the trapezium trick is only named: the one above is used: |Delta| + 2 sin(angle - 90
   degrees) |e| for an obtuse angle and |Delta| + 2 cos(angle) |e| otherwise, both of which are |Delta| + 2
   |cos| |e|. ``trapezium="signed"`` keeps the sign of the cosine. ``scale`` (a number) replaces the trick.
 - ``residual="logit"`` uses logits - one-hot (squared loss) instead of softmax - one-hot.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .plain_parts import Batch, Tensors, add_to, flat, gradients, parameters_of, softmax, split_like


def jacobian_and_residual(
    model: nn.Module, samples: Batch, *, residual: str = "softmax", names: Sequence[str] | None = None
) -> tuple[Tensor, Tensor]:
    """Step 2: J of shape (P, nC) and the residuals of shape (nC,)."""
    parameters = parameters_of(model, names)
    was_training = model.training
    model.eval()
    x, y = samples
    columns, residuals = [], []
    for i in range(len(y)):
        logits = model(x[i : i + 1])[0]
        outputs = softmax(logits).detach() if residual == "softmax" else logits.detach()
        for c in range(len(logits)):
            columns.append(flat(gradients(logits[c], parameters)))
            residuals.append(outputs[c] - (1.0 if c == int(y[i]) else 0.0))
    model.train(was_training)
    return torch.stack(columns, dim=1), torch.stack(residuals)


def linear_solution(jacobian: Tensor, residual: Tensor, number_of_samples: int, lambda_: float) -> Tensor:
    """Step 3: w = -J (J^T J + n lambda I)^-1 (f0 - y)."""
    kernel = jacobian.T @ jacobian
    kernel = kernel + number_of_samples * lambda_ * torch.eye(len(kernel), dtype=kernel.dtype)
    return -jacobian @ (torch.linalg.inv(kernel) @ residual)


def trapezium_scale(delta: Tensor, error: Tensor, trapezium: str = "absolute") -> float:
    """Step 5."""
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
    trapezium: str = "absolute",
    residual: str = "softmax",
    names: Sequence[str] | None = None,
) -> nn.Module:
    """NTK scrubbing; give ``initial`` for the trapezium trick or ``scale`` to fix the step."""
    parameters = parameters_of(model, names)
    j_retain, r_retain = jacobian_and_residual(model, data["retain"], residual=residual, names=names)
    j_forget, r_forget = jacobian_and_residual(model, data["forget"], residual=residual, names=names)
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
        start = torch.cat([initial[name].reshape(-1) for name in parameters])
        scale = trapezium_scale(delta, flat(parameters) - start - w_retain, trapezium)
    add_to(parameters, split_like(delta, parameters), scale)
    return model
