"""The few words that say what a question asks for or what a caption names, by language. All of them are here."""

from __future__ import annotations

import re

CAPTION_WORDS = {
    "en": "fig figure table tab chart graph exhibit",
    "de": "abb abbildung tab tabelle",
    "fr": "figure tableau",
    "es": "figura tabla cuadro",
    "it": "figura tabella tav tavola",
    "pt": "figura tabela quadro",
    "pl": "rys rysunek tabela tab",
    "ru": "рис рисунок табл таблица",
    "uk": "рис рисунок табл таблиця",
    "zh": "图 表 圖",
    "ja": "図 表",
    "ko": "그림 표",
    "ar": "شكل الشكل جدول",
    "hi": "चित्र तालिका",
}
PICTURE_WORDS = {
    "en": "picture pictures photo photos photograph drawing drawings drawn figure diagram chart charts graph plot curve map "
    "plan layout icon icons logo sketch illustration screenshot image",
    "de": "bild bilder foto zeichnung diagramm grafik karte grundriss abbildung skizze kurve schaubild",
    "fr": "image photo carte schéma graphique dessin figure courbe",
    "es": "imagen foto mapa gráfico dibujo figura esquema curva",
    "it": "immagine foto mappa grafico disegno schema pianta",
    "pt": "imagem foto mapa gráfico desenho figura esquema",
    "pl": "wykres rysunek schemat zdjęcie mapa",
    "ru": "схема рисунок график фото карта чертёж диаграмма",
    "uk": "схема малюнок графік фото карта креслення діаграма",
    "zh": "图 圖 照片",
    "ja": "図 写真 地図 グラフ",
    "ko": "그림 사진 지도 차트",
    "ar": "رسم صورة خريطة",
    "hi": "चित्र नक्शा",
}
_WITHOUT_BLANKS = ("zh", "ja", "ko")  # where such a word is found in the middle of others
_NUMBER = r"[\s.:]*[\dIVXivx一二三四五六七八九十][\w.\-]*"  # of a figure: "1", "2.1", "IV", "7-26", "一"
_CAPTION = re.compile(
    rf"(?:{'|'.join(sorted({w for words in CAPTION_WORDS.values() for w in words.split()}, key=len, reverse=True))}){_NUMBER}",
    re.IGNORECASE,
)
_PICTURES = frozenset(word for words in PICTURE_WORDS.values() for word in words.split())
_PARTS = tuple(word for language in _WITHOUT_BLANKS for word in PICTURE_WORDS[language].split())


def asks_for_picture(question: str) -> bool:
    """Whether a question names a kind of picture, which is then what it looks for."""
    folded = question.casefold()
    return not _PICTURES.isdisjoint(re.findall(r"\w+", folded)) or any(part in folded for part in _PARTS)


def is_caption(words: str) -> bool:
    """Whether a block that begins with these words is the caption of a figure or table: "Fig. 3", "Tabelle 2", "图一"."""
    return _CAPTION.match(words) is not None
