"""Fonts and free texts, out of Debian packages: fetched, unpacked, cut into passages. Nothing of them is kept by us.

    python -m benchmarks.pocket.materials WORK

WORK/fonts.json: {"seen": [...], "unseen": [...]} paths of font files. WORK/passages.jsonl: one a line,
{"text", "source", "split"}; split is "train" or "test" by source, so that no test page is of a text seen.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FONT_PACKAGES = {  # under the OFL, GUST, LPPL, Apache, ParaType's, GPL with font exception, or freer
    "seen": (
        "fonts-dejavu-core", "fonts-dejavu-extra", "fonts-liberation", "fonts-crosextra-carlito", "fonts-crosextra-caladea",
        "fonts-texgyre", "fonts-open-sans", "fonts-lato", "fonts-noto-core", "fonts-linuxlibertine", "fonts-sil-gentium",
        "fonts-roboto-unhinted", "fonts-cantarell", "fonts-inconsolata", "fonts-cmu", "fonts-oldstandard",
        # serifs and their italics, which look least like each other
        "fonts-vollkorn", "fonts-cardo", "fonts-lindenhill", "fonts-goudybookletter", "fonts-fanwood", "fonts-gfs-artemisia",
        "fonts-gfs-didot", "fonts-adf-accanthis", "fonts-adf-baskervald", "fonts-adf-romande", "fonts-adf-tribun",
        "fonts-adf-berenis", "fonts-junicode", "fonts-sil-gentium-basic", "fonts-sil-doulos", "fonts-prociono",
        "fonts-yrsa-rasa", "fonts-stix", "fonts-lmodern", "fonts-courier-prime", "fonts-quattrocento", "fonts-roboto-slab",
        "fonts-elstob", "fonts-georgewilliams", "fonts-paratype",
        "fonts-adf-gillius", "fonts-adf-universalis", "fonts-adf-libris", "fonts-sil-andika", "fonts-b612", "fonts-cabin",
        "fonts-clear-sans", "fonts-comic-neue", "fonts-firacode", "fonts-go", "fonts-inter", "fonts-jetbrains-mono",
        "fonts-karla", "fonts-manrope", "fonts-mononoki", "fonts-oxygen", "fonts-sora", "fonts-tuffy", "fonts-jura",
        "fonts-dosis", "fonts-fantasque-sans", "fonts-junction",
    ),
    "unseen": ("fonts-ebgaramond", "fonts-sil-charis", "fonts-hack", "fonts-freefont-ttf", "fonts-quicksand"),
}  # fmt: skip
FONT_FILES = {  # of the large packages, which
    "fonts-noto-core": r"Noto(Sans|Serif)-(Regular|Bold|Italic|BoldItalic)\.ttf",
    "fonts-cmu": r"cmun(rm|bx|ti|ss|sx|tt|sl)\.(ttf|otf)",
    "fonts-texgyre": r"texgyre(termes|heros|pagella|schola|bonum|adventor|cursor|heroscn)-(regular|bold|italic)\.otf",
    "fonts-lato": r"Lato-(Regular|Bold|Italic|Medium|Light)\.ttf",
    "fonts-linuxlibertine": r"Lin(Libertine|Biolinum)_(R|RB|RI)\.otf",
    "fonts-roboto-unhinted": r"Roboto(Condensed)?-(Regular|Bold|Italic|Light)\.ttf",
    "fonts-dejavu-extra": r"DejaVu.*(Condensed|Oblique|Italic).*\.ttf",
    "fonts-freefont-ttf": r"Free(Sans|Serif)\.ttf",
    "fonts-ebgaramond": r"EBGaramond12-(Regular|Italic)\.otf",
    "fonts-quicksand": r"Quicksand-Regular\.(ttf|otf)",
    "fonts-sil-charis": r"CharisSIL-(Regular|R)\.ttf",
    "fonts-hack": r"Hack-Regular\.ttf",
    "fonts-vollkorn": r"Vollkorn-(Regular|Italic|Bold|BoldItalic)\.ttf",
    "fonts-adf-romande": r"RomandeADF(No2)?Std-(Regular|Italic|DemiBold|DemiBoldItalic)\.otf",
    "fonts-adf-baskervald": r"BaskervaldADFStd(-Bold|-BoldItalic|-Italic)?\.otf",
    "fonts-adf-tribun": r"TribunADFStd-(Regular|Italic|Bold|BoldItalic|Cond|CondItalic)\.otf",
    "fonts-adf-gillius": r"GilliusADF-.*\.otf",
    "fonts-junicode": r"JunicodeTwoBeta-(Regular|Italic|Bold|Light|Condensed|CondensedItalic|Expanded)\.otf",
    "fonts-yrsa-rasa": r"Yrsa-(Regular|Italic|Light|Bold)\.ttf",
    "fonts-stix": r"STIX-(Regular|Italic|Bold|BoldItalic)\.otf",
    "fonts-lmodern": r"lm(roman10-(regular|italic|bold|bolditalic)|roman8-regular|sans10-(regular|oblique|bold)|romandemi10-oblique"
    r"|mono10-(regular|italic)|monoprop10-regular|sansquot8-regular)\.otf",
    "fonts-roboto-slab": r"RobotoSlab-(Regular|Light|Bold)\.otf",
    "fonts-elstob": r"ElstobD-(8|10|18)pt(Italic|Bold)?\.otf",
    "fonts-georgewilliams": r"Caslon(Roman|Italic|Bold)\.ttf",
    "fonts-paratype": r"PT[FNS](55|56|57|75|76)F\.ttf",
    "fonts-cabin": r"Cabin-(Regular|Italic|Bold)\.otf",
    "fonts-clear-sans": r"ClearSans-(Regular|Italic|Light|Bold)\.ttf",
    "fonts-firacode": r"FiraCode-(Regular|Light|Bold)\.ttf",
    "fonts-go": r"Go-(Regular|Italic|Bold|Mono|Mono-Italic)\.ttf",
    "fonts-inter": r"Inter-(Regular|Italic|Light|Bold)\.otf",
    "fonts-jetbrains-mono": r"JetBrainsMono-(Regular|Italic|Bold)\.ttf",
    "fonts-karla": r"Karla-(Regular|Italic|Bold)\.otf",
    "fonts-manrope": r"Manrope-(Regular|Light|Bold)\.ttf",
    "fonts-sora": r"Sora-(Regular|Light|Bold)\.otf",
    "fonts-tuffy": r"Tuffy(_Bold|_Italic)?\.ttf",
    "fonts-jura": r"Jura-(Regular|Medium)\.otf",
    "fonts-dosis": r"Dosis-(Book|Medium|Bold)\.otf",
    "fonts-fantasque-sans": r"FantasqueSansMono-(Regular|Italic)\.ttf",
}
TEXT_PACKAGES = {
    "train": ("wordnet-base", "libreoffice-help-en-us", "gnome-user-docs", "postgresql-doc-15", "apache2-doc", "debian-faq",
              "developers-reference", "octave-doc", "git-doc", "aptitude-doc-en"),
    "test": ("debian-handbook", "debian-reference-en", "manpages"),
}  # fmt: skip
MAX_PASSAGES = 40_000  # of one source
WORDS = (40, 160)  # of a passage


def main() -> None:
    work = Path(sys.argv[1])
    fonts = {
        kind: [str(path) for name in names for path in _fonts(work, name)] for kind, names in FONT_PACKAGES.items()
    }
    (work / "fonts.json").write_text(json.dumps(fonts, indent=1))
    print({kind: len(paths) for kind, paths in fonts.items()}, "fonts")
    seen: set[bytes] = set()
    counts: dict[str, int] = {}
    with (work / "passages.jsonl").open("w") as out:
        for source, split, texts in _sources(work):
            kept = []
            for passage in _passages(texts):
                digest = hashlib.blake2b(passage.lower().encode(), digest_size=8).digest()
                if digest not in seen:
                    seen.add(digest)
                    kept.append(passage)
            random.Random(source).shuffle(kept)
            for passage in kept[:MAX_PASSAGES]:
                out.write(json.dumps({"text": passage, "source": source, "split": split}) + "\n")
            counts[source] = min(len(kept), MAX_PASSAGES)
    print(counts)


def _unpacked(work: Path, package: str) -> Path:
    folder = work / "packages" / package
    if not folder.exists():
        (work / "packages").mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["apt-get", "-o", "APT::Sandbox::User=root", "download", "-q", package],
            cwd=work / "packages",
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (deb,) = (work / "packages").glob(f"{package}_*.deb")
        subprocess.run(["dpkg", "-x", deb, folder], check=True)
        deb.unlink()
    return folder


def _fonts(work: Path, package: str) -> list[Path]:
    pattern = FONT_FILES.get(package, r".*\.(ttf|otf)")
    files = [path for path in _unpacked(work, package).rglob("*") if path.suffix in (".ttf", ".otf")]
    return sorted(path for path in files if re.fullmatch(pattern, path.name) and "Math" not in path.name)


def _sources(work: Path) -> Iterator[tuple[str, str, Iterator[str]]]:
    for split, packages in TEXT_PACKAGES.items():
        for package in packages:
            folder = _unpacked(work, package)
            yield package, split, _wordnet(folder) if package == "wordnet-base" else _documents(folder)


def _wordnet(folder: Path) -> Iterator[str]:
    """Meanings and examples, a handful joined to a passage."""
    meanings = []
    for path in sorted(folder.rglob("data.*")):
        for line in path.read_text(errors="replace").splitlines():
            if " | " in line and not line.startswith(" "):
                words = [w.replace("_", " ") for w in line.split()[4 : 4 + 2 * int(line.split()[3], 16) : 2]]
                meanings.append(f"{words[0]}: {line.split(' | ', 1)[1].strip()}.")
    random.Random(0).shuffle(meanings)
    for at in range(0, len(meanings), 8):
        yield " ".join(meanings[at : at + 8])


def _documents(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        name = path.name.removesuffix(".gz")
        english = not re.search(r"/(?!en\b|en[-_]US)[a-z]{2}([-_][A-Z]{2})?/", str(path)[len(str(folder)) :])
        if not path.is_file() or path.is_symlink() or not english or not re.search(r"\.(html?|txt|page|\d)$", name):
            continue
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = raw.decode(errors="replace")
        if re.search(r"\.\d$", name):
            yield re.sub(r"\n(?=\S)", " ", re.sub(r"(?m)^[.\'](?!P).*$|\\f.|\\[-&%]|^\.P.*", "", text))
            continue
        text = re.sub(r"(?is)<(script|style|pre|head|code|screen)\b.*?</\1>", " ", text)
        yield html.unescape(
            re.sub(r"<[^>]+>", "", re.sub(r"(?i)</?(p|li|td|h\d|dd|dt|div|tr|title)\b[^>]*>", "\n\n", text))
        )


def _passages(texts: Iterator[str]) -> Iterator[str]:
    """Prose of 40 to 160 words; short paragraphs of a document are joined."""
    for text in texts:
        words: list[str] = []
        for paragraph in re.split(r"\n\s*\n", text):
            found = paragraph.split()
            if len(found) < 4 or sum(map(str.isalpha, paragraph)) < 0.7 * len(
                paragraph.replace("\n", " ").strip()
            ) - len(found):
                continue
            words += [word for word in found if len(word) <= 30]
            while len(words) >= WORDS[0]:
                yield " ".join(words[: WORDS[1]])
                words = words[WORDS[1] :]


if __name__ == "__main__":
    main()
