"""Learning to read: tokens of pictures and of texts meet the teacher's vectors of the words they show.

    python -m benchmarks.pocket.reading WORK OUT --minutes 120 [--threads 1] [--start FOLDER]

Three losses on pictures: which word of the batch, or of many others, a token shows (cross entropy over cosines); the vector
itself (cosine); and, while the network still learns what letters are, which letter stands in each small cell of a token. The
last one decides: without it nothing is learnt in hours. Texts, as passages and as questions, learn the same vectors, so that
a question meets a picture from the first day; and questions about the drawn pages are to find them among the pages of the last
steps (late interaction, InfoNCE): from that they learn which of their tokens to leave without a say. Minutes are processor time of the network's process; drawing has its own.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import shutil
import time
from collections import deque
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everywhere

from benchmarks.pocket.checkpoint import HIDDEN, write_weights
from benchmarks.pocket.drawing import BANDS, COLUMNS, N_LETTERS
from benchmarks.pocket.steps import Materials, Step
from pagesight.engine.models.jina_v4.checkpoint import Checkpoint
from pagesight.engine.models.jina_v4.inputs import Inputs
from pagesight.engine.models.jina_v4.model import Batch, Network, mean_vectors, network_config, pooling_mask

EASY_UNTIL, HARDER = 0.9, 0.0007  # pages become harder, a little a step, while so many letters are right
RECENT_TOKENS, FIND_TEMPERATURE = 24_000, 0.02  # of recent pages of one shape that questions choose among
N_SOUGHT = 8  # questions a step
BLANK = 0.3  # the weight of a cell without a letter: most are
LETTER_SHARE = 0.9  # of the time, after which letters are no longer asked for
# Of the learning rate: a grey pixel comes six times, as three colours of two pictures, and all six move.
PATCH_SHARE = 1 / 6
DECAY = 0.35  # the last part of the time, in which the learning rate falls


class Reader(nn.Module):
    """The network, and what is needed only while it learns to read."""

    def __init__(self, start: Path) -> None:
        super().__init__()
        checkpoint = Checkpoint.open(start)
        self.inputs, self.settings = Inputs.open(checkpoint), checkpoint.settings
        self.network = Network.from_pretrained(start, config=network_config(checkpoint), dtype=torch.float32)
        self.letters = nn.Linear(HIDDEN, BANDS * COLUMNS * N_LETTERS)
        self.sharpness = nn.Parameter(torch.tensor(math.log(16.0)))
        self._recent: dict[tuple[int, ...], deque[tuple[Tensor, list[str]]]] = {}
        self._chance = random.Random(1)
        self._seen: Tensor | None = None
        patches = self.network.model.visual.patch_embed
        # The same product: a convolution whose kernels do not overlap is twice as slow here.
        patches.forward = lambda x: F.linear(x.flatten(1), patches.proj.weight.flatten(1))
        self.network.model.visual.register_forward_hook(
            lambda _, __, output: setattr(self, "_seen", output.pooler_output)
        )

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Token vectors (n, length, 128), not yet of unit length, and single vectors (n, 256)."""
        pictures = batch.image_grid_thw is not None
        hidden, projected = self.network(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask, pixel_values=batch.pixel_values,
            image_grid_thw=batch.image_grid_thw,
            mm_token_type_ids=(batch.input_ids == self.settings.image_token_id).int() if pictures else None,
        )  # fmt: skip
        pooled = pooling_mask(batch, self.settings.vision_start_id, self.settings.vision_end_id)
        return projected, mean_vectors(hidden, pooled)

    def forward(self, step: Step) -> dict[str, Tensor]:
        vectors, kinds = torch.from_numpy(step.vectors), torch.from_numpy(step.kinds)
        device = torch.device("cpu")
        rows = [self.inputs.picture(Image.fromarray(pixels).convert("RGB")) for pixels, *_ in step.pictures]
        batch = self.inputs.batch(rows, [row.patches() for row in rows if row.patches], device)
        projected, singles = self.encode(batch)
        before = self.inputs.n_prompt_tokens[0]
        shown = torch.from_numpy(step.shown)
        losses = self._meet(projected[shown[:, 0].long(), before + shown[:, 1].long()], shown[:, 2].long(), shown[:, 3],
                            shown[:, 0].long() * 10_000 + shown[:, 1].long(), vectors, kinds, "picture")  # fmt: skip
        assert self._seen is not None
        logits = self.letters(self._seen).view(-1, N_LETTERS)
        letters = torch.from_numpy(np.concatenate([letters for _, letters, _, _ in step.pictures])).view(-1)
        weight = torch.ones(N_LETTERS)
        weight[0] = BLANK
        losses["letters"] = F.cross_entropy(logits, letters, weight)
        inked = letters > 0
        losses["letters right"] = (logits.argmax(dim=1) == letters)[inked].float().mean().detach()
        if step.asked:
            losses |= self._find(step, F.normalize(projected, dim=-1))
        losses["picture single"] = 1 - (singles * torch.from_numpy(step.picture_singles)).sum(dim=1).mean()

        if step.texts:
            self._texts(step, vectors, kinds, losses)
        return losses

    def _find(self, step: Step, pages: Tensor) -> dict[str, Tensor]:
        """pages: (n, length, 128) of unit length, all of one shape. Questions are to find their page among the recent ones.

        All pages are as they were when they were drawn, those that are asked for, too: a page of this very step would be told
        from older ones by how the network has moved since. So only questions learn from it.
        """
        recent = self._recent.setdefault(tuple(pages.shape[1:]), deque(maxlen=max(30, RECENT_TOKENS // pages.shape[1])))
        own = self._chance.sample(range(len(recent)), min(N_SOUGHT, len(recent) // 3))
        texts = [self._chance.choice(recent[page][1]) for page in own]
        found = {} if len(own) < 2 else self._sought(torch.cat([tokens for tokens, _ in recent]), texts, own)
        asked = [[text for text, picture in step.asked if picture == i] for i in range(len(pages))]
        recent.extend((page[None], some) for page, some in zip(pages.detach(), asked, strict=True) if some)
        return found

    def _sought(self, pages: Tensor, texts: list[str], own: list[int]) -> dict[str, Tensor]:
        batch = self.inputs.batch(
            [self.inputs.text(text, prompt="query", task="retrieval") for text in texts], [], torch.device("cpu")
        )
        real = batch.attention_mask.bool()
        tokens = F.normalize(self.encode(batch)[0], dim=-1)[real]
        owner = torch.arange(len(texts))[:, None].expand(real.shape)[real]
        with torch.no_grad():  # which token of which page is nearest; only what was chosen is computed with gradients
            nearest = (tokens @ pages.flatten(0, 1).T).view(len(tokens), len(pages), -1).argmax(dim=2)
        maxima = (pages[torch.arange(len(pages)), nearest] * tokens[:, None]).sum(dim=2)
        scores = torch.zeros(len(texts), len(pages)).index_add(0, owner, maxima) / real.sum(dim=1, keepdim=True)
        right = (scores.argmax(dim=1) == torch.tensor(own)).float().mean()
        return {"found": F.cross_entropy(scores / FIND_TEMPERATURE, torch.tensor(own)), "found right": right}

    def _texts(self, step: Step, vectors: Tensor, kinds: Tensor, losses: dict[str, Tensor]) -> None:
        """Adds the losses of passages and of questions, each a batch of its own: padded together, half would be padding."""
        found, which, share, singles = [], [], [], []
        for kind in ("passage", "query"):
            chosen = [i for i, (prompt, _) in enumerate(step.texts) if prompt == kind]
            rows = [self.inputs.text(step.texts[i][1], prompt=kind, task="retrieval") for i in chosen]
            projected, single = self.encode(self.inputs.batch(rows, [], torch.device("cpu")))
            singles.append((single * torch.from_numpy(step.text_singles[chosen])).sum(dim=1))
            at = []
            for j, (i, row) in enumerate(zip(chosen, rows, strict=True)):
                owners = words_of_tokens(row.token_texts)
                last = {owner: token for token, owner in enumerate(owners)}
                for token, owner in enumerate(owners):
                    if 0 <= owner < len(step.said[i]):
                        at.append((j, token))
                        which.append(int(step.said[i][owner]))
                        share.append(1.0 if last[owner] == token else 0.2)
            found.append(projected[tuple(torch.tensor(at).T)])
        losses |= self._meet(torch.cat(found), torch.tensor(which), torch.tensor(share), torch.arange(len(which)),
                             vectors, kinds, "text")  # fmt: skip
        losses["text single"] = 1 - torch.cat(singles).mean()

    def _meet(
        self, projected: Tensor, which: Tensor, share: Tensor, token: Tensor, vectors: Tensor, kinds: Tensor, name: str
    ) -> dict[str, Tensor]:
        """projected: (n, 128) of the tokens; which: the row of ``vectors`` that each is to meet, as much as ``share``."""
        found = F.normalize(projected, dim=-1)
        cosines = found @ vectors.T
        # The same word elsewhere is no mistake, and neither is another word that the token shows.
        same = kinds[which][:, None] == kinds[None]
        neighbours = torch.zeros_like(same)
        order = torch.argsort(token, stable=True)
        a, b = order[:-1], order[1:]
        pairs = token[a] == token[b]
        neighbours[a[pairs], which[b[pairs]]] = True
        neighbours[b[pairs], which[a[pairs]]] = True
        own = torch.zeros_like(same)
        own[torch.arange(len(which)), which] = True
        logits = (self.sharpness.exp().clamp(10, 50) * cosines).masked_fill((same | neighbours) & ~own, -1e4)
        chosen = F.cross_entropy(logits, which, reduction="none")
        right = (logits.argmax(dim=1) == which).float()
        nearness = cosines[torch.arange(len(which)), which]
        total = share.sum()
        return {
            f"{name} words": (chosen * share).sum() / total,
            f"{name} vectors": ((1 - nearness) * share).sum() / total,
            f"{name} right": (right * share).sum().detach() / total,
        }


def words_of_tokens(texts: tuple[str, ...]) -> list[int]:
    """Which word after the prefix each token belongs to, -1 for the prefix."""
    owners, word = [], -2  # "Query:" is the first, at -1
    inside = False
    for text in texts:
        for letter in text:
            if letter.isspace():
                inside = False
            elif not inside:
                inside, word = True, word + 1
        owners.append(word)
    return owners


WEIGHTS = {"picture words": 1.0, "picture vectors": 1.0, "picture single": 0.3, "letters": 2.0, "text words": 0.3,
           "text vectors": 0.3, "text single": 0.3, "found": 0.3}  # fmt: skip


def main() -> None:  # noqa: PLR0915 - one loop, read from top to bottom
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--rate", type=float, default=1e-3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    reader = Reader(arguments.start or arguments.work / "untrained")
    patches = reader.network.model.visual.patch_embed.proj.weight
    decayed = [p for p in reader.parameters() if p.ndim > 1 and p is not patches]
    others = [p for p in reader.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": 0.05, "share": 1.0},
            {"params": others, "weight_decay": 0.0, "share": 1.0},
            {"params": [patches], "weight_decay": 0.05, "share": PATCH_SHARE},
        ],
        lr=arguments.rate,
        betas=(0.9, 0.98),
        fused=True,
    )
    step, spent, words, hard, right = 0, 0.0, 0, 0.0, 0.0
    if (out / "last.pt").exists():
        state = torch.load(out / "last.pt", weights_only=False)
        reader.load_state_dict(state["reader"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent, words = state["step"], state["spent"], state["words"]
        hard, right = state["hard"], state["right"]
    materials = Materials(arguments.work, seed=step)
    materials.hard[0] = hard
    loader = iter(torch.utils.data.DataLoader(materials, batch_size=None, num_workers=1, prefetch_factor=4))
    log = (out / "curve.jsonl").open("a")
    sums: dict[str, list[float]] = {}
    shown_at = saved_at = spent
    while spent < arguments.minutes * 60:
        began = time.process_time()
        part = spent / 60 / arguments.minutes
        if right > EASY_UNTIL:
            hard = min(1.0, hard + HARDER)
        materials.hard[0] = hard
        for group in optimizer.param_groups:
            falling = 1 - max(0.0, part - (1 - DECAY)) / DECAY
            group["lr"] = group["share"] * arguments.rate * min(1, (step + 1) / 200) * max(0.02, falling)
        data = next(loader)
        losses = reader(data)
        weights = {**WEIGHTS, "letters": 2.0 if part < LETTER_SHARE else 0.1}
        loss = sum(weights[name] * value for name, value in losses.items() if name in weights)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
        step += 1
        right += 0.05 * (float(losses["letters right"]) - right)
        words += len(np.unique(data.shown[:, [0, 2]], axis=0))
        for name, value in losses.items():
            sums.setdefault(name, []).append(float(value.detach()))
        spent += time.process_time() - began
        if spent - shown_at > 60:
            row = {
                "minutes": round(spent / 60, 1),
                "step": step,
                "words": words,
                "hard": round(float(materials.hard), 2),
            }
            row |= {name: round(float(np.mean(values)), 3) for name, values in sums.items()}
            print(json.dumps(row), flush=True)
            log.write(json.dumps(row) + "\n")
            log.flush()
            sums, shown_at = {}, spent
        if spent - saved_at > 300 or spent >= arguments.minutes * 60:
            state = {"reader": reader.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save(
                {**state, "step": step, "spent": spent, "words": words, "hard": hard, "right": right}, out / "part.pt"
            )
            (out / "part.pt").rename(out / "last.pt")
            if part < 1 - DECAY:  # from here a longer run can go on as if the rate had never fallen
                shutil.copy(out / "last.pt", out / "stable.pt")
            saved_at = spent
    export(reader, arguments.work / "untrained", out / "model")


def export(reader: Reader, untrained: Path, folder: Path) -> None:
    """The network as a checkpoint, with adapters that add nothing."""
    (folder / "adapters").mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.json", "preprocessor_config.json", "adapters/adapter_config.json"):
        (folder / name).write_bytes((untrained / name).read_bytes())
    write_weights(folder, reader.network.state_dict(), adapters=True)


if __name__ == "__main__":
    main()
