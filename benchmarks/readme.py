"""Draws the README's tables from benchmarks/results, between the marks <!-- results:NAME --> and <!-- end -->.

python -m benchmarks.readme            write them
python -m benchmarks.readme --check    fail if README says something else than the results
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from benchmarks.common import RESULTS, ROOT

README = ROOT / "README.md"


def load(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return result


def quality_table() -> str:
    result = load("quality")
    systems = result["ndcg@5"]
    rows = ["| questions | | " + " | ".join(systems) + " |", "|---|---:|" + "---:|" * len(systems)]
    for kind, number in result["queries"].items():
        figures = [f"{scores[kind]:.3f}" for scores in systems.values()]
        rows.append(f"| {kind} | {number} | " + " | ".join([f"**{figures[0]}**", *figures[1:]]) + " |")
    return "\n".join(rows)


def speed_table() -> str:
    result = load("speed")
    sample, long = result["index_sample_docs"], result["index_2000_pages"]
    rows = [
        ("`pagesight --help`", f"{result['help_seconds']:.2f} s"),
        ("`pagesight search`, a cold process", f"{result['cold_search_seconds']:.2f} s"),
        (
            f"index sample_docs ({result['sample_pages']} pages, some scanned)",
            f"{sample['seconds']:.0f} s, {sample['peak_mb']:.0f} MB",
        ),
        ("the same again, nothing changed", f"{result['index_sample_docs_again']['seconds']:.1f} s"),
        ("index a PDF of 2,000 pages", f"{long['seconds'] / 60:.0f} min, {long['peak_mb']:.0f} MB"),
        ("token vectors on disk", f"{result['bytes_per_page'] / 1000:.0f} kB a page"),
    ]
    lines = ["| | |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join(
        [
            *lines,
            "",
            f"On {result['cores']} cores of an {result['cpu']}, processes and memory of all children included.",
        ]
    )


def codecs_table() -> str:
    rows = [
        "| `--codec` | `--pool-factor` | bytes a token | kB a page of 768 tokens | of the exact top 10, made up | sample_docs |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    result = load("codecs")
    for row, real in zip(result["made up"]["rows"], result["sample_docs"]["rows"], strict=True):
        figures = (
            f"{row['bytes_a_token']:.0f} | {row['kb_a_page']:.0f} | {row['recall@10']:.1%} | {real['recall@10']:.1%}"
        )
        rows.append(f"| {row['codec']} | {row['pool_factor']} | {figures} |")
    return "\n".join(rows)


def scale_table() -> str:
    result, built, changed = load("scale-1"), load("scale-build"), load("scale-change")
    n_bytes = sum(built["bytes_per_page"].values()) - built["bytes_per_page"]["tokens"]
    rows = [
        f"| {result['pages']:,} pages, {built['bytes_on_disk'] / 1e9:.1f} GB; candidates | of the exact top 10 | p50 | p95 |",
        "|---:|---:|---:|---:|",
    ]
    for row in result["searches"]:
        if row["token_recall"]:
            figures = f"{row['recall@10']:.1%} | {row['p50_ms']:.0f} ms | {row['p95_ms']:.0f} ms"
            rows.append(f"| {row['n_candidates']} | {figures} |")
    single = next(row for row in result["searches"] if row["n_candidates"] == 200 and not row["token_recall"])
    rows.append(
        f"| 200, by single vector only | {single['recall@10']:.1%} | {single['p50_ms']:.0f} ms | {single['p95_ms']:.0f} ms |"
    )
    rows.append(f"| all of them (`--exact`) | 100% | {result['exact']['p50_ms'] / 1e3:.1f} s | |")
    added, optimized = changed["add_20_pages"], changed["optimize"]
    return "\n".join(
        [
            *rows,
            "",
            (
                f"One thread of an {result['cpu']}, warm, without encoding the question; {result['rss_mb']} MB of memory. "
                f"Beside the token vectors a page takes {n_bytes / 1e3:.1f} kB. "
                f"Adding a document of 20 pages: {added['seconds']:.1f} s, {added['mb_written']:.1f} MB written. "
                f"Deleting a tenth of all documents: {changed['delete_a_tenth']['seconds']:.1f} s; "
                f"`optimize` then gives back {optimized['gb_before'] - optimized['gb_after']:.1f} GB in {optimized['seconds']:.0f} s."
            ),
        ]
    )


def peers_table() -> str:
    result = load("peers")
    rows = [
        "| engine | pages | build | kB a page | p50 | of the exact top 10 | peak memory |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in result["rows"]:
        if "gave_up_after_s" in row:
            rows.append(f"| {row['engine']} | {row['pages']} | given up after {row['gave_up_after_s']} s | | | | |")
        elif "p50_ms" in row:
            size = f"{row['kb_a_page']:.0f}" if row["kb_a_page"] else "in memory"
            memory = row["peak_rss_mb"] - row["of_it_test_data_mb"]
            rows.append(
                f"| {row['engine']} | {row['pages']} | {row['build_s']:.1f} s | {size} | {row['p50_ms']:.1f} ms | "
                f"{row['recall@10']:.1%} | {memory} MB |"
            )
    return "\n".join([*rows, "", f"One thread of an {result['cpu']}; peak memory without the test data."])


def maxsim_table() -> str:
    """The rerank on two processors; both are rounds of all ways in turns, by one thread."""
    vnni, avx2 = load("maxsim-1"), load("maxsim-avx2-1")
    names = {
        "pagesight int8": "int8 codes, the question in 8 bits (7 with AVX2)",
        "pagesight int8, {} kernel, precise": "int8 codes, the question in 15 bits",
        "pagesight int4": "int4 codes, the question in 8 bits (7 with AVX2)",
        "read the int8 codes (numpy max)": "reading the int8 codes, no more",
        "numpy float32, a page at a time": "numpy, float32, a page at a time",
        "torch bfloat16, a page at a time": "torch, bfloat16, a page at a time",
        "torch float32, padded and einsum": "torch, float32, padded and einsum",
        "maxsim-cpu 0.1.0, gather and score": "maxsim-cpu 0.1.0, with the copy it needs",
    }
    rows = ["| 1,000 pages of 768 x 128, 20 query tokens | AVX512-VNNI | AVX2 |", "|---|---:|---:|"]
    for name, shown in names.items():
        figures = [result["engines"][name.format(result["kernel"])]["cpu_ms"] for result in (vnni, avx2)]
        rows.append(f"| {shown} | " + " | ".join(f"{figure:.0f} ms" for figure in figures) + " |")
    return "\n".join(rows)


TABLES = {
    "quality": quality_table,
    "speed": speed_table,
    "codecs": codecs_table,
    "scale": scale_table,
    "maxsim": maxsim_table,
    "peers": peers_table,
}


def drawn(text: str) -> str:
    """The README with every table drawn anew."""
    for name, table in TABLES.items():
        pattern = re.compile(rf"(<!-- results:{name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not pattern.search(text):
            sys.exit(f"README.md has no place for the table {name!r}")
        text = pattern.sub(lambda match, table=table: match[1] + table() + "\n" + match[2], text)
    return text


def main() -> None:
    text = README.read_text(encoding="utf-8")
    new = drawn(text)
    if "--check" in sys.argv:
        if new != text:
            sys.exit("README.md and benchmarks/results differ; run: python -m benchmarks.readme")
    else:
        README.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
