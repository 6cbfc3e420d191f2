"""GDR in its parts: what each switch changes, and the conflict that the released projection leaves."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from reunlearn.gradients.bank import EpochBank
from reunlearn.gradients.projection import rectify, unconflicted
from reunlearn.gradients.rectification import PROJECTIONS, Banked, Recomputed, Rectifier

SHAPES = [(4, 3), (4,), (2, 4), (2,)]


def tensors(seed: int, opposed_to: list[Tensor] | None = None) -> list[Tensor]:
    """Return random tensors; each conflicts with the other list's if one is given."""
    generator = torch.Generator().manual_seed(seed)
    found = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in SHAPES]
    return [v - 2 * w for v, w in zip(found, opposed_to, strict=True)] if opposed_to else found


def flat(vectors: list[Tensor]) -> Tensor:
    return torch.cat([v.flatten() for v in vectors])


def cosine(v: Tensor, w: Tensor) -> float:
    return float(torch.dot(v.flatten(), w.flatten()) / (v.norm() * w.norm()))


@pytest.mark.parametrize("whole", [True, False])
def test_the_exact_projection_leaves_no_conflict_and_the_released_one_a_known_one(whole: bool) -> None:
    d = tensors(1)
    a = tensors(2, opposed_to=d)
    for name in PROJECTIONS:
        new_a, new_d = Rectifier(PROJECTIONS[name], whole, 1, "retain", None)(a, d)
        pairs = (
            [(flat(a), flat(d), flat(new_a), flat(new_d))] if whole else zip(a, d, new_a, new_d, strict=True)
        )
        for x, y, new_x, new_y in pairs:
            c = cosine(x, y)
            assert c < 0, "the control: they conflicted"
            left = 0 if name == "exact" else c**3 / (1 + c**2 - c**4) ** 0.5
            assert cosine(new_x, y) == pytest.approx(left, abs=1e-12)
            assert cosine(new_y, x) == pytest.approx(0, abs=1e-12)


def test_whole_vectors_and_single_tensors_conflict_elsewhere() -> None:
    d = tensors(1)
    a = [-0.5 * d[0], *d[1:]]  # against d in the first tensor, along it in all others
    per_tensor, _ = Rectifier(rectify, False, 1, "retain", None)(a, d)
    together, _ = Rectifier(rectify, True, 1, "retain", None)(a, d)
    assert per_tensor[0].abs().max() < 1e-12
    assert all(torch.equal(v, w) for v, w in zip(per_tensor[1:], a[1:], strict=True))
    assert torch.dot(flat(a), flat(d)) > 0
    assert all(torch.equal(v, w) for v, w in zip(together, a, strict=True))


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("pair", ["retain", "forget"])
@pytest.mark.parametrize("scope", [1, 2, 4])
def test_the_bank_acts_on_one_gradient_within_its_scope(whole: bool, pair: str, scope: int) -> None:
    d = tensors(1)
    a, past = tensors(2, opposed_to=d), tensors(3, opposed_to=d)
    if pair == "forget":
        past = tensors(3, opposed_to=a)
    memory = Banked([EpochBank() for _ in range(1 if whole else scope)])
    gdr = Rectifier(None, whole, scope, pair, memory)
    memory.add(list(gdr.blocks([v[None] for v in past[-scope:]], rows=True)))
    memory.end_epoch()
    new_a, new_d = gdr(a, d, [v[None] for v in a[-scope:]])
    held, free = (new_a, new_d) if pair == "forget" else (new_d, new_a)
    before, same = (a, d) if pair == "forget" else (d, a)
    assert all(torch.equal(v, w) for v, w in zip(free, same, strict=True))
    assert all(torch.equal(v, w) for v, w in zip(held[:-scope], before[:-scope], strict=True))
    if whole:
        expected = unconflicted(flat(before[-scope:]), flat(past[-scope:]))
    else:
        parts = zip(before[-scope:], past[-scope:], strict=True)
        expected = torch.cat([unconflicted(v.flatten(), w.flatten()) for v, w in parts])
    torch.testing.assert_close(flat(held[-scope:]), expected)
    assert not torch.allclose(expected, flat(before[-scope:])), "the control: there was a conflict"


def test_entries_are_chosen_by_the_retain_gradient_before_it_is_rectified() -> None:
    """An entry that conflicts with d alone, not with d′, is in the mean; one that conflicts with d′ alone is not."""
    a, d = [torch.tensor([-1.0, 0.0])], [torch.tensor([1.0, 1.0])]
    entries = torch.tensor([[-3.0, 1.0], [9.0, -1.0]])  # d′ = (0, 1)
    memory = Banked([EpochBank()])
    memory.add([entries])
    memory.end_epoch()
    _, new_d = Rectifier(rectify, True, 1, "retain", memory)(a, d, [a[0][None]])
    assert torch.equal(new_d[0], torch.tensor([0.0, 1.0])), "⟨d′, (−3, 1)⟩ > 0: nothing is left to project"


def test_recomputed_gradients_do_what_a_bank_of_them_does() -> None:
    d = tensors(1)
    a, past = tensors(2, opposed_to=d), [tensors(s, opposed_to=d) for s in range(3, 8)]
    for whole in (True, False):
        gdr = Rectifier(rectify, whole, 2, "retain", None)
        rows = [list(gdr.blocks([v[None] for v in one[-2:]], rows=True)) for one in past]
        banked = Banked([EpochBank() for _ in rows[0]])
        for one in rows:
            banked.add(one)
        banked.end_epoch()
        results = []
        for memory in (banked, Recomputed(lambda rows=rows: rows)):
            gdr.memory = memory
            results.append(flat(gdr(a, d, [v[None] for v in a[-2:]])[1]))
        torch.testing.assert_close(results[0], results[1])
