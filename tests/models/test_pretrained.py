"""Weights from files that a test has made: what is loaded, what stays fresh, what is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.models import swin_t, tiny_vit_5m, torchvision_resnet18, torchvision_resnet34, vit
from reunlearn.models.registry import card
from tests.models.networks import SMALL, make

MODULES: dict[str, Any] = {
    "swin_t": swin_t,
    "tiny_vit_5m": tiny_vit_5m,
    "torchvision_resnet18": torchvision_resnet18,
    "torchvision_resnet34": torchvision_resnet34,
    "vit": vit,
}
SETTINGS = {name: SMALL.get(name, {"width": 4}) for name in MODULES}


def network(name: str, seed: int = 0, classes: int = 10, **settings: Any) -> nn.Module:
    return make(name, seed, classes=classes, **SETTINGS[name], **settings)


def written(folder: Path, tensors: dict[str, Tensor], suffix: str = ".safetensors") -> Path:
    path = folder / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file({k: v.contiguous() for k, v in tensors.items()}, path)
    else:
        torch.save(tensors, path)
    return path


def refusal(name: str, **settings: Any) -> str:
    with pytest.raises(UserError) as error:
        network(name, **settings)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("name", MODULES)
def test_all_weights_come_from_a_file_of_as_many_classes(name: str, suffix: str, tmp_path: Path) -> None:
    expected = network(name, seed=1).state_dict()
    path = written(tmp_path, expected, suffix)
    loaded = network(name, seed=2, pretrained=str(path)).state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in loaded.items())
    fresh = network(name, seed=2).state_dict()
    assert not all(torch.equal(value, fresh[key]) for key, value in loaded.items())


@pytest.mark.parametrize("name", MODULES)
def test_another_number_of_classes_leaves_the_head_fresh(name: str, tmp_path: Path) -> None:
    expected = network(name, seed=1, classes=7).state_dict()
    path = written(tmp_path, expected)
    loaded, fresh = network(name, seed=2, pretrained=str(path)), network(name, seed=2).state_dict()
    head = MODULES[name].PRETRAINED.head
    of_head = {key for key in fresh if key.startswith(f"{head}.")}
    assert of_head == {f"{head}.weight", f"{head}.bias"}
    for key, value in loaded.state_dict().items():
        assert torch.equal(value, fresh[key] if key in of_head else expected[key])


@pytest.mark.parametrize("name", MODULES)
def test_the_cache_is_found_and_its_absence_is_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    official = MODULES[name].PRETRAINED
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    line = refusal(name, pretrained="cache")
    assert all(part in line for part in (str(tmp_path), official.file, official.url, "'pretrained'"))
    folder = tmp_path / "hub" / "checkpoints"
    if official.repository:  # the layout of that cache: the branch names a commit, the commit holds the files
        store = tmp_path / f"models--{official.repository.replace('/', '--')}"
        folder = store / "snapshots" / "c0ffee"
        (store / "refs").mkdir(parents=True)
        (store / "refs" / "main").write_text("c0ffee")
    folder.mkdir(parents=True)
    expected = network(name, seed=1).state_dict()
    source = written(tmp_path, expected, Path(official.file).suffix)
    source.rename(folder / official.file)
    loaded = network(name, seed=2, pretrained="cache").state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in loaded.items())


def test_nothing_is_ever_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", connect)
    monkeypatch.setattr("socket.getaddrinfo", connect)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(AssertionError, match="connection"):
        torch.hub.load_state_dict_from_url(torchvision_resnet18.PRETRAINED.url, progress=False)
    for name in MODULES:
        assert "no pretrained weights" in refusal(name, pretrained="cache")


@pytest.mark.parametrize("name", MODULES)
def test_a_path_that_is_not_there(name: str, tmp_path: Path) -> None:
    line = refusal(name, pretrained=str(tmp_path / "none.pth"))
    assert line == f"{tmp_path / 'none.pth'}: no such file; {card(name)['pretrained']['words']}"
    assert MODULES[name].PRETRAINED.url in line


def test_the_first_mismatch_is_named(tmp_path: Path) -> None:
    good = network("vit").state_dict()

    def line(tensors: dict[str, Tensor]) -> str:
        return refusal("vit", pretrained=str(written(tmp_path, tensors)))

    lacking = {k: v for k, v in good.items() if k != "encoder.ln.weight"}
    assert "not of this network: 'encoder.ln.weight' is missing" in line(lacking)
    assert "not of this network: 'extra' is unknown" in line(good | {"extra": torch.ones(1)})
    longer = torch.zeros(1, 197, 16)
    assert "size mismatch for encoder.pos_embedding" in line(good | {"encoder.pos_embedding": longer})
    headless = {k: v for k, v in good.items() if not k.startswith("heads.")}
    assert "'heads.head.weight' is missing" in line(headless)
    other = network("vit", classes=7).state_dict()
    without_bias = {k: v for k, v in other.items() if k != "heads.head.bias"}
    assert "'heads.head.bias' is missing" in line(without_bias)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_the_prefixes_of_wrapped_networks_are_taken_off(prefix: str, suffix: str, tmp_path: Path) -> None:
    expected = network("torchvision_resnet18", seed=1, classes=7).state_dict()
    path = written(tmp_path, {f"{prefix}{key}": value for key, value in expected.items()}, suffix)
    model = network("torchvision_resnet18", seed=2, pretrained=str(path))
    loaded, fresh = model.state_dict(), network("torchvision_resnet18", seed=2).state_dict()
    for key, value in loaded.items():
        assert torch.equal(value, fresh[key] if key.startswith("fc.") else expected[key])


def test_a_state_inside_an_archive_is_found(tmp_path: Path) -> None:
    expected = network("vit", seed=1)
    optimizer = torch.optim.Adam(expected.parameters())
    sum(p.sum() for p in expected.parameters()).backward()
    optimizer.step()
    state = {f"module.{key}": value for key, value in expected.state_dict().items()}
    torch.save({"optimizer": optimizer.state_dict(), "epoch": 1, "model": state}, tmp_path / "own.pth")
    loaded = network("vit", seed=2, pretrained=str(tmp_path / "own.pth")).state_dict()
    assert all(torch.equal(value, expected.state_dict()[key]) for key, value in loaded.items())


def test_weights_of_8_bits_become_the_networks(tmp_path: Path) -> None:
    small = {k: v.to(torch.float8_e5m2) for k, v in network("vit", seed=1).state_dict().items()}
    loaded = network("vit", pretrained=str(written(tmp_path, small))).state_dict()
    assert all(torch.equal(value, small[key].float()) for key, value in loaded.items())


def test_weights_for_other_channels_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, network("torchvision_resnet18").state_dict())
    with pytest.raises(UserError, match=r"size mismatch for conv1\.weight"):
        make("torchvision_resnet18", shape=(1, 32, 32), pretrained=str(path))


def test_files_that_hold_no_weights(tmp_path: Path) -> None:
    for suffix in (".safetensors", ".pth"):
        broken = tmp_path / f"broken{suffix}"
        broken.write_bytes(b"no weights")
        assert "holds no readable weights" in refusal("vit", pretrained=str(broken))
    listed = tmp_path / "list.pth"
    torch.save([torch.ones(2)], listed)
    assert "holds no weights by name" in refusal("vit", pretrained=str(listed))
    text = tmp_path / "weights.txt"
    text.write_text("1")
    assert ".safetensors and .pth" in refusal("vit", pretrained=str(text))


def test_a_file_that_would_run_code_is_not_run(tmp_path: Path) -> None:
    touched = tmp_path / "touched"

    class Touch:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (touched,)

    path = tmp_path / "evil.pth"
    torch.save({"weight": Touch()}, path)
    assert "holds no readable weights" in refusal("vit", pretrained=str(path))
    assert not touched.exists()
    torch.load(path, weights_only=False)  # control: it would have
    assert touched.exists()


def test_names_of_older_files(tmp_path: Path) -> None:
    """torchvision's published files are older than its names: no batch counters, other names in blocks."""
    counted = network("torchvision_resnet18", seed=1).state_dict()
    path = written(
        tmp_path, {k: v for k, v in counted.items() if not k.endswith("num_batches_tracked")}, ".pth"
    )
    loaded = network("torchvision_resnet18", pretrained=str(path)).state_dict()
    assert all(torch.equal(value, counted[key]) for key, value in loaded.items())
    renamed = network("vit", seed=1).state_dict()
    old = {
        k.replace("mlp.0.", "mlp.linear_1.").replace("mlp.3.", "mlp.linear_2."): v for k, v in renamed.items()
    }
    assert old.keys() != renamed.keys()
    loaded = network("vit", pretrained=str(written(tmp_path, old))).state_dict()
    assert all(torch.equal(value, renamed[key]) for key, value in loaded.items())


def test_what_the_network_computes_itself_may_be_in_a_file(tmp_path: Path) -> None:
    model = network("tiny_vit_5m", seed=1)
    computed = {k: v for k, v in model.named_buffers() if k.endswith("attention_bias_idxs")}
    assert computed
    assert not computed.keys() & model.state_dict().keys()
    path = written(tmp_path, model.state_dict() | computed)
    loaded = network("tiny_vit_5m", pretrained=str(path)).state_dict()
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in loaded.items())


def test_the_official_files_are_those_of_the_libraries() -> None:
    from reunlearn.data.torchvision_compat import models

    enums = {
        "torchvision_resnet18": models.ResNet18_Weights,
        "torchvision_resnet34": models.ResNet34_Weights,
        "swin_t": models.Swin_T_Weights,
        "vit": models.ViT_B_16_Weights,
    }
    for name, weights in enums.items():
        official = MODULES[name].PRETRAINED
        assert official.url == weights.IMAGENET1K_V1.url
        assert official.url.endswith(f"/{official.file}")
    import timm

    configuration = timm.create_model("tiny_vit_5m_224", num_classes=2).pretrained_cfg
    official = tiny_vit_5m.PRETRAINED
    assert official.repository == configuration["hf_hub_id"]
    assert official.head == configuration["classifier"]
    assert official.url.endswith(f"{official.repository}/resolve/main/{official.file}")
