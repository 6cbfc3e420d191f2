"""The faults that the comparisons must notice: one or more for each row of the tables, that is method and reading.

{comparison: (module, text of its source, text in its place)}. mutations.py says how a fault is put in.
"""

from __future__ import annotations

from .mutations import Mutation

METHOD = "reunlearn.unlearning.methods."
UNLEARNING, GRADIENTS = "reunlearn.unlearning.", "reunlearn.gradients."
STATE = "reunlearn.training.state."

FAULTS: dict[str, Mutation] = {
    "amnesiac@code": (METHOD + "amnesiac", "any(part in name", "all(part in name"),
    "amnesiac@paper": (STATE + "batch_updates", "if not held or", "if held or"),
    "amnesiac_relabel": (
        UNLEARNING + "relabelling",
        "batch = join(forget, retain)",
        "batch = join(retain, forget)",
    ),
    "bad_teacher@code": (METHOD + "bad_teacher", 'self.reading == "code"', "False"),
    "bad_teacher@paper": (
        METHOD + "bad_teacher",
        "((bad, forget), (good, retain))",
        "((good, forget), (bad, retain))",
    ),
    "boundary_expanding@code": (METHOD + "boundary_expanding", "both[:-1], both[-1:]", "both[1:], both[:1]"),
    "boundary_expanding@paper": (
        METHOD + "boundary_expanding",
        "full_like(batch.y, outputs)",
        "full_like(batch.y, 0)",
    ),
    "boundary_shrink@code": (GRADIENTS + "adversarial", "bound * slope.sign()", "-bound * slope.sign()"),
    "boundary_shrink@paper": (
        METHOD + "boundary_shrink",
        'self, "pixel_space") == "own"',
        'self, "pixel_space") != "own"',
    ),
    "cf_k": (UNLEARNING + "last_layers", "(*WEIGHTED, *NORMS)", "WEIGHTED"),
    "cf_k: head": (UNLEARNING + "last_layers", "counted == k", "counted == k + 1"),
    "erm_ktp": (METHOD + "erm_ktp", "wanted.mean(dim=(2, 3)) * kept_C", "wanted.mean(dim=(2, 3))"),
    "erm_ktp: training": (STATE + "entangled", "mask_CK.square().sum()) / 2", "mask_CK.square().sum())"),
    "eu_k@code": (METHOD + "eu_k", "layer.bias.zero_()", "pass"),
    "eu_k@paper": (METHOD + "eu_k", "(new.state_dict())", "(layer.state_dict())"),
    "finetune": (UNLEARNING + "gradient", "            schedule.step()", "            pass"),
    "finetune: AdamW": (UNLEARNING + "gradient", "            module.eval()", "            pass"),
    "fisher": (GRADIENTS + "label_fisher", "share_BJ * root_BJ", "share_BJ"),
    "fisher: a class": (
        METHOD + "fisher",
        "variances.mean(dim=1, keepdim=True)",
        "variances.amax(dim=1, keepdim=True)",
    ),
    "fisher: batch means": (GRADIENTS + "fisher", "share_K[y] * gradient**2", "share_K.mean() * gradient**2"),
    "fisher: empirical": (METHOD + "fisher", "fisher.shape[-1] == classes", "fisher.shape[0] == classes"),
    "gdr_gma@code": (
        GRADIENTS + "projection",
        "conflict_share(a_P, d_P, torch.dot(d_P, d_P)) * rectified_d, rectified_d",
        "conflict_share(a_P, d_P, torch.dot(d_P, d_P)) * d_P, rectified_d",
    ),
    "gdr_gma@code: bank of the head": (
        GRADIENTS + "bank",
        "mean_P = _mean_in_place(rows_EP, order, direction_P)",
        "mean_P = conflicting_mean(rows_EP, order, direction_P)",
    ),
    "gdr_gma@code: sgd": (METHOD + "gdr_gma", "-self.gamma * (deviation", "self.gamma * (deviation"),
    "gdr_gma@paper": (
        GRADIENTS + "projection",
        "return unconflicted(a_P, d_P), unconflicted(d_P, a_P)",
        "return unconflicted(a_P, d_P), unconflicted(d_P, unconflicted(a_P, d_P))",
    ),
    "gdr_gma@paper: bank of the head": (
        GRADIENTS + "bank",
        "chosen_E @ rows_EP / chosen_E.sum().clamp(min=1)",
        "rows_EP.mean(dim=0)",
    ),
    "gdr_gma@paper: not rectified": (
        GRADIENTS + "rectification",
        "self._rectified_with_bank(new_d, selecting=d)",
        "self._rectified_with_bank(new_d, selecting=new_a)",
    ),
    "gdr_gma@paper: sgd, forget first": (METHOD + "gdr_gma", "if not forget_first:", "if True:"),
    "gradient_ascent": (METHOD + "gradient_ascent", "-task.loss(model, batch)", "task.loss(model, batch)"),
    "gradient_ascent: clipped": (METHOD + "gradient_ascent", "            model.eval()", "            pass"),
    "influence@code": (GRADIENTS + "wood_fisher", "along_v + b * along_first", "along_v - b * along_first"),
    "influence@paper": (GRADIENTS + "wood_fisher", "v_P - transposed", "v_P + transposed"),
    "l1_sparse": (METHOD + "l1_sparse", '"decaying": 1 - done', '"decaying": 1.0'),
    "lur: first": (METHOD + "lur", "inner_gradient.detach() + outer", "inner_gradient.detach() - outer"),
    "lur: second": (METHOD + "lur", "p - self.alpha * g", "p + self.alpha * g"),
    "nabla_tau": (METHOD + "nabla_tau", "torch.relu(target - forget_loss)", "(target - forget_loss)"),
    "neg_grad": (METHOD + "neg_grad", "- self.forget_weight", "+ self.forget_weight"),
    "neg_grad_plus": (METHOD + "neg_grad_plus", "(1 - self.alpha)", "self.alpha"),
    "ntk@code": (METHOD + "ntk", "count * shift", "shift"),
    "ntk@paper": (METHOD + "ntk", "w_retain - w_all", "w_all - w_retain"),
    "pgu@code": (METHOD + "pgu", "epoch / self.epochs", "(epoch - 1) / self.epochs"),
    "pgu@code: class": (
        METHOD + "pgu",
        'self.reading == "paper" or self.mode == "class"',
        'self.reading == "paper"',
    ),
    "pgu@code: depoisoning": (METHOD + "pgu", "(reverse_B + self.entropy", "(reverse_B - self.entropy"),
    "pgu@code: depoisoning, few scaled": (METHOD + "pgu", "scaled_DK[:, -SCALED:]", "scaled_DK[:, :SCALED]"),
    "pgu@code: space": (GRADIENTS + "subspace", "order[:rank]", "order.flip(0)[:rank]"),
    "pgu@code: steps": (METHOD + "pgu", "found.matrix()", "moments[name]"),
    "pgu@paper": (METHOD + "pgu", "(reverse_B - self.entropy", "(reverse_B + self.entropy"),
    "pgu@paper: depoisoning": (
        GRADIENTS + "trust_region",
        "self.scale_KK - scale_rate",
        "self.scale_KK + scale_rate",
    ),
    "random_labels@code": (
        UNLEARNING + "relabelling",
        "torch.cat((wrong, retain.y))",
        "torch.cat((forget.y, retain.y))",
    ),
    "random_labels@paper": (
        UNLEARNING + "relabelling",
        "per_sample_loss(model, batch, draw)",
        "per_sample_loss(model, batch, batch.y)",
    ),
    "salun@code": (METHOD + "salun", "[g.abs() for g", "[g for g"),
    "salun@paper": (METHOD + "salun", "(1 if by_batch else len(batch))", "1"),
    "salun@paper: not held": (METHOD + "salun", "parameter.grad *= mask", "pass"),
    "scissorhands": (GRADIENTS + "reinitialisation", "s > threshold", "s < threshold"),
    "scissorhands: last layer": (METHOD + "scissorhands", "-task.loss(still", "task.loss(still"),
    "scrub": (METHOD + "scrub", "divergence(teacher_BK, student_BK,", "divergence(student_BK, teacher_BK,"),
    "scrub: rewinding": (METHOD + "scrub", "abs(error - wanted)", "error"),
    "sfr_on@code": (METHOD + "sfr_on", "parameter.grad *= mask", "parameter.grad *= ~mask"),
    "sfr_on@code: not online": (METHOD + "sfr_on", "if self.online or step % self.inner_period:", "if True:"),
    "sfr_on@code: slow weights": (
        METHOD + "sfr_on",
        "weights.lerp_(parameter, rate)",
        "weights.lerp_(parameter, 1 - rate)",
    ),
    "sfr_on@paper: batches": (
        METHOD + "sfr_on",
        "(len(batch) / len(samples))",
        "(1 / samples.steps(self.batch_size))",
    ),
    "sfr_on@paper: whole set": (METHOD + "sfr_on", '"linear": 1.0', '"linear": 2.0'),
    "ssd": (METHOD + "ssd", "f > selection * d, (", "f < selection * d, ("),
    "ssd: shuffled": (
        GRADIENTS + "fisher",
        "accumulated.addcmul_(gradient, gradient)",
        "accumulated.add_(gradient.abs())",
    ),
    "unrolling_sgd@code": (METHOD + "unrolling_sgd", "alpha=length", "alpha=-length"),
    "unrolling_sgd@code: sum": (METHOD + "unrolling_sgd", 'scaling") == "mean', 'scaling") != "mean'),
    "unrolling_sgd@code: two batches": (METHOD + "unrolling_sgd", "length /= task", "length *= task"),
    "unrolling_sgd@paper": (
        METHOD + "unrolling_sgd",
        'chosen(self, "at") == "initial"',
        'chosen(self, "at") != "initial"',
    ),
    "unsir": (METHOD + "unsir", "-task.loss(model, batch)", "task.loss(model, batch)"),
    "warnecke_first_order": (UNLEARNING + "label_correction", "right) - learnt)", "right) + learnt)"),
    "warnecke_second_order": (GRADIENTS + "hessian", "(1 - damping) * a - h", "(1 - damping) * a + h"),
}
