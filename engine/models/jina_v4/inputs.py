"""What the model is given: prompts around texts and pictures, as token ids, and rows joined into batches."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pagesight.engine.models.jina_v4.checkpoint import Checkpoint, Settings
from pagesight.engine.models.jina_v4.pictures import Float, PictureSettings
from pagesight.engine.models.on_torch.grid import Grid
from pagesight.storage.errors import BadCheckpoint, BadInput, ConfigError, WeightsMissing

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from pagesight.engine.models.jina_v4.model import Batch

log = logging.getLogger(__name__)
IMAGE_PROMPT = "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Describe the image.<|im_end|>\n"
PREFIXES = {"query": "Query: ", "passage": "Passage: "}
SAME_PREFIX_TASK = "text-matching"  # both sides of a match are alike: each is a query
MAX_TEXT_TOKENS = 32_768  # prefix included


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One text or picture. ids: its tokens. token_texts: of a text, what each token says.

    grid, patches: of a picture. Patches are cut when they are called for: they take 20 times the memory of the pixels.
    """

    ids: list[int]
    token_texts: tuple[str, ...] = ()
    grid: Grid | None = None
    patches: Callable[[], Float] | None = None

    def __len__(self) -> int:
        return len(self.ids)


class Inputs:
    """Makes rows and batches. Texts never become special tokens, whatever they contain."""

    def __init__(self, tokenizer: Any, settings: Settings, pictures: PictureSettings) -> None:
        """tokenizer: a tokenizers.Tokenizer, which from now on belongs to this object."""
        self.pictures = pictures
        self._tokenizer, self._settings = tokenizer, settings
        tokenizer.no_truncation()
        tokenizer.no_padding()
        control = {settings.image_token_id, settings.vision_start_id, settings.vision_end_id}
        tokenizer.add_special_tokens([tokenizer.id_to_token(token) for token in sorted(control)])
        prompt = tokenizer.encode(IMAGE_PROMPT).ids
        tokenizer.encode_special_tokens = True  # from here on, text that looks like a special token is text
        at = prompt.index(settings.image_token_id) if settings.image_token_id in prompt else 0
        self._before, self._after = prompt[:at], prompt[at + 1 :]
        self._pad_id = min({0, 1, 2, 3} - control)

    @classmethod
    def open(cls, checkpoint: Checkpoint) -> Inputs:
        """Read tokenizer.json and preprocessor_config.json. Raises WeightsMissing, BadCheckpoint."""
        from tokenizers import Tokenizer

        path = checkpoint.folder / "tokenizer.json"
        if not path.is_file():
            raise WeightsMissing(f"{path} is not there: without it no text can be encoded")
        tokenizer = _load(Tokenizer, path)
        settings = checkpoint.settings
        for name, token in (
            ("<|image_pad|>", settings.image_token_id),
            ("<|vision_start|>", settings.vision_start_id),
            ("<|vision_end|>", settings.vision_end_id),
        ):
            if tokenizer.token_to_id(name) != token:
                problem = f"tokenizer.json has {name} as {tokenizer.token_to_id(name)}, config.json as {token}"
                raise BadCheckpoint(checkpoint.folder, [problem])
        return cls(tokenizer, settings, PictureSettings.read(checkpoint.folder))

    def text(self, text: str, *, prompt: str, task: str, max_tokens: int = MAX_TEXT_TOKENS, quiet: bool = False) -> Row:
        """A text behind its prefix, cut on the right to ``max_tokens`` with a warning that says by how much, unless ``quiet``.

        prompt: "query" or "passage". Raises ConfigError for another one, BadInput for a text without a visible character.
        """
        if prompt not in PREFIXES:
            raise ConfigError(f"there is no prompt {prompt!r}; the prompts are {', '.join(PREFIXES)}")
        text = text.encode(errors="ignore").decode()  # lone surrogates, as halves of an emoji, are no characters
        if not text.strip():
            raise BadInput(f"the text {text!r} is empty; there is nothing to encode")
        prefixed = PREFIXES["query" if task == SAME_PREFIX_TASK else prompt] + text
        encoded = self._tokenizer.encode(prefixed)
        ids, spans = encoded.ids, encoded.offsets
        if len(ids) > max_tokens and not quiet:
            log.warning(
                "a text of %s tokens was cut to %s: its last %s characters are not encoded (it begins with %r)",
                f"{len(ids):,}",
                f"{max_tokens:,}",
                f"{len(prefixed) - spans[max_tokens - 1][1]:,}",
                text[:40],
            )
        ids, spans = ids[:max_tokens], spans[:max_tokens]
        return Row(ids, token_texts=tuple(prefixed[start:stop] for start, stop in spans))

    def picture(self, picture: Image.Image, *, max_pixels: int | None = None) -> Row:
        """A picture in RGB inside the image prompt. Raises BadInput if it is too thin."""
        grid = self.pictures.grid(*picture.size, max_pixels)
        ids = [*self._before, *[self._settings.image_token_id] * grid.n_tokens, *self._after]
        return Row(ids, grid=grid, patches=lambda: self.pictures.patches(picture, grid))

    @property
    def n_prompt_tokens(self) -> tuple[int, int]:
        """Tokens of the image prompt before and after those of the picture."""
        return len(self._before), len(self._after)

    def batch(self, rows: Sequence[Row], patches: Sequence[Float], device: torch.device) -> Batch:
        """Join rows, padded on the right to the longest. patches: of those that are pictures, in their order."""
        import torch

        from pagesight.engine.models.jina_v4.model import Batch

        length = max(map(len, rows))
        ids = np.full((len(rows), length), self._pad_id, np.int64)
        mask = np.zeros((len(rows), length), np.int64)
        for i, row in enumerate(rows):
            ids[i, : len(row)], mask[i, : len(row)] = row.ids, 1
        texts = torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)
        if not patches:
            return Batch(*texts)
        merge = self.pictures.merge_size
        sizes = [(1, row.grid.rows * merge, row.grid.columns * merge) for row in rows if row.grid is not None]
        pixels = torch.from_numpy(np.concatenate(patches)).to(device)
        return Batch(*texts, pixels, torch.tensor(sizes, device=device))


def _load(tokenizer: Any, path: Path) -> Any:
    try:
        return tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise BadCheckpoint(path.parent, [f"{path.name} cannot be understood: {error}"]) from error
