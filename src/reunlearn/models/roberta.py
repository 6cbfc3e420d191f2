"""RoBERTa with a linear layer on <s> (Liu et al. 2019), from a folder of weights or freshly initialised.

The encoder is that of transformers. Its numbering of tokens is not that of reunlearn.data.tokens, so the rows of the
embedding are reordered on loading. Attention is computed with plain products and a softmax, which have second
derivatives.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json, read_text
from reunlearn.base.tensor_names import without_wrappers
from reunlearn.base.weights_cache import cached
from reunlearn.data.tokens import PAD, read_merges, token_names
from reunlearn.study.cards import WeightsCard

INPUTS = "text"
FILES = ("config.json", "model.safetensors", "vocab.json", "merges.txt")
REPOSITORY = "FacebookAI/roberta-base"
NEEDED = f"a folder with {', '.join(FILES)} from https://huggingface.co/{REPOSITORY} is needed"
PRETRAINED = WeightsCard(words=NEEDED, files=FILES, repository=REPOSITORY)
MULTIPLES = {"width": "heads"}
FIRST_POSITION = 2  # of RoBERTa's positions; 1 is the position of padding


class Roberta(nn.Module):
    """Token ids [B, L], 0 where a text has ended → logits [B, K].

    Args:
        encoder: transformers' RobertaModel without pooler, with its embedding in the order of data.tokens.
        classes: number of outputs K.
    """

    def __init__(self, encoder: Any, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.config.hidden_size, classes)
        nn.init.normal_(self.head.weight, std=encoder.config.initializer_range)
        nn.init.zeros_(self.head.bias)

    def forward(self, x_BL: Tensor) -> Tensor:
        """Return logits from the encoder's output at <s>."""
        real_BL = x_BL != PAD
        positions_BL = torch.where(real_BL, real_BL.cumsum(1) + FIRST_POSITION - 1, FIRST_POSITION - 1)
        encoded = self.encoder(input_ids=x_BL, attention_mask=real_BL.long(), position_ids=positions_BL)
        return self.head(encoded.last_hidden_state[:, 0])


def build(
    shape: tuple[int, ...],
    classes: int,
    *,
    pretrained: str | None = None,
    width: int = 768,
    depth: int = 12,
    heads: int = 12,
    inner: int = 3072,
    dropout: float = 0.1,
) -> nn.Module:
    """Return the network; by default of the size of roberta-base (124,055,040 numbers with its 50,265 tokens).

    Args:
        shape: longest text in tokens, size of the vocabulary.
        classes: number of outputs.
        pretrained: folder of roberta-base's files, or "cache" for the user's Hugging Face cache; config.json then
            gives all sizes.
        width, depth, heads, inner: of a fresh encoder: numbers per token, blocks, heads, width within a block.
        dropout: share of numbers and of attention weights set to 0 while training, pretrained or not.

    Raises:
        UserError: a pretrained file is missing, damaged or of another network.
    """
    length, vocabulary = shape
    if pretrained is not None:
        encoder = _pretrained(_folder(pretrained), vocabulary, dropout)
    else:
        config = _roberta().RobertaConfig(
            vocab_size=vocabulary,
            hidden_size=width,
            num_hidden_layers=depth,
            num_attention_heads=heads,
            intermediate_size=inner,
            max_position_embeddings=514,
            type_vocab_size=1,
            layer_norm_eps=1e-5,
            **_choices(dropout),
        )
        encoder = _renumbered(_roberta().RobertaModel(config, add_pooling_layer=False), None)
    positions = encoder.config.max_position_embeddings - FIRST_POSITION
    if length > positions:
        raise UserError(
            f"roberta: takes texts of at most {positions} tokens, not {length}; choose a dataset of shorter texts"
        )
    return Roberta(encoder, classes)


def _roberta() -> Any:
    """Return transformers' module of RoBERTa."""
    from reunlearn.data.torchvision_compat import declare_operators

    declare_operators()  # transformers imports torchvision
    from transformers.models import roberta

    return roberta


def _folder(pretrained: str) -> Path:
    """Return the folder of the pretrained files."""
    if pretrained != "cache":
        return Path(pretrained).expanduser()
    file = cached(FILES[1], REPOSITORY)
    if not file.is_file():
        raise UserError(f"{file}: no such file in the cache; {NEEDED}")
    return file.parent


def _choices(dropout: float) -> dict[str, Any]:
    """Return the settings of a config that are chosen here; transformers' positions assume padding id 1."""
    share = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    return {**share, "attn_implementation": "eager", "pad_token_id": FIRST_POSITION - 1}


def _pretrained(folder: Path, vocabulary: int, dropout: float) -> Any:
    """Return the encoder of a folder, with its embedding in the order of data.tokens."""
    for name in FILES:
        if not (folder / name).is_file():
            raise UserError(f"{folder / name}: no such file; {NEEDED}")
    rows = embedding_rows(folder, vocabulary)
    try:
        config = _roberta().RobertaConfig.from_pretrained(folder, local_files_only=True, **_choices(dropout))
        encoder = _roberta().RobertaModel(config, add_pooling_layer=False)
        # the file may also hold a pooler and the layers that predict masked words; these are not used
        found = without_wrappers(load_file(folder / FILES[1]), encoder.state_dict())
        tensors = {key.removeprefix("roberta."): value for key, value in found.items()}
        encoder.load_state_dict({key: tensors[key] for key in encoder.state_dict()})
    except KeyError as error:
        raise UserError(f"{folder / FILES[1]}: holds no {error.args[0]}; {NEEDED}") from error
    except Exception as error:  # the readers raise errors of many kinds; the user can only replace the files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{folder}: holds no readable RoBERTa: {reason}; {NEEDED}") from error
    if max(rows) >= config.vocab_size:
        reason = f"numbers tokens up to {max(rows)}, but config.json has {config.vocab_size} tokens"
        raise UserError(f"{folder / 'vocab.json'}: {reason}; {NEEDED}")
    return _renumbered(encoder, rows)


def embedding_rows(folder: Path, vocabulary: int) -> list[int]:
    """Return the row of RoBERTa's embedding for each token of data.tokens [vocabulary].

    Raises:
        UserError: the folder has other tokens than data.tokens.
    """
    try:
        numbers = read_json(folder / "vocab.json")
        names = token_names(read_merges(read_text(folder / "merges.txt")))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder}: vocab.json or merges.txt cannot be read: {error}; {NEEDED}") from error
    if len(names) != vocabulary:
        raise UserError(
            f"{folder / 'merges.txt'}: makes {len(names)} tokens, but the texts have {vocabulary}; {NEEDED}"
        )
    for name in names:
        if name not in numbers:
            raise UserError(f"{folder / 'vocab.json'}: has no token '{name}'; {NEEDED}")
    return [numbers[name] for name in names]


def _renumbered(encoder: Any, rows: list[int] | None) -> Any:
    """Return the encoder with an embedding in the order of data.tokens, where padding is 0 and not 1.

    Args:
        encoder: transformers' RobertaModel.
        rows: the row of its embedding for each token; None for a new embedding.
    """
    old = encoder.embeddings.word_embeddings.weight
    count = old.shape[0] if rows is None else len(rows)
    new = nn.Embedding(count, old.shape[1], padding_idx=PAD, device=old.device)
    with torch.no_grad():
        if rows is None:
            nn.init.normal_(new.weight, std=encoder.config.initializer_range)
            new.weight[PAD].zero_()
        else:
            new.weight.copy_(old[rows])
    encoder.embeddings.word_embeddings = new
    encoder.config.vocab_size = count
    return encoder
