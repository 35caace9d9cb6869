"""A travel expense rule of a Chinese firm: red head, chapters, tables, a flow chart, questions."""

# ruff: noqa: RUF001
from __future__ import annotations

import math
from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, Spacer

from . import policy_chinese_text as words
from .fonts import width
from .kit import Draw, Meta, build, label
from .look import WHITE, Look, prose, table
from .plot import Plot, axes, figure

NAME = "office/chailvfei-guanli-banfa.pdf"
W, H = A4
L, R = 68.0, A4[0] - 68.0
FULL = R - L
RED = "#c3272b"
LOOK = Look(
    family="China",
    ink="#1c1c1c",
    accent=RED,
    second="#2b5d8a",
    tint="#f7efe9",
    line="#c9bdb3",
    muted="#6d6660",
    size=10.6,
    leading=18.2,
    cjk=True,
)


def by_department(w: float = 459, h: float = 176) -> Plot:
    fig = figure(w, h)
    ax = axes(fig, LOOK, (74, 16, w - 110, h - 22), size=9, grid="x")
    names = ("外业测绘部", "销售部", "售后服务部", "研发中心", "生产部", "行政与财务")
    now, before = (148.2, 112.7, 63.5, 31.8, 18.6, 11.6), (151.0, 134.9, 66.2, 36.4, 16.1, 11.8)
    for i, (a, b) in enumerate(zip(now, before, strict=True)):
        ax.barh(i + 0.19, b, height=0.34, color="#e0cfc3")
        ax.barh(i - 0.19, a, height=0.34, color=RED)
        ax.text(a + 2, i - 0.19, f"{a:.1f}", va="center", fontsize=8, color=LOOK.ink)
        ax.text(b + 2, i + 0.19, f"{b:.1f}", va="center", fontsize=7.5, color=LOOK.muted)
    ax.set_yticks(range(6), names)
    ax.set(ylim=(5.6, -0.6), xlim=(0, 172), xticks=(0, 50, 100, 150))
    return Plot(fig, LOOK)


def steps(c: Canvas, w: float, h: float) -> None:
    """Who has to approve: boxes from left to right with a fork."""
    boxes = (
        (0, 46, 74, "填写申请", "提前两个工作日", RED),
        (104, 46, 86, "部门经理", "十天以内", "#2b5d8a"),
        (104, 0, 86, "退回修改", "两天内重报", "#8d857d"),
        (224, 46, 96, "分管副总", "超十天或超八千元", "#2b5d8a"),
        (354, 46, 96, "订票出发", "公司统一订票平台", "#3f7d55"),
        (224, 0, 96, "总经理", "出境", "#2b5d8a"),
    )
    scale = w / 450
    c.setLineWidth(1.1)
    c.setStrokeColor(HexColor(LOOK.muted))
    for x1, y1, x2, y2 in (
        (74, 63, 104, 63),
        (190, 63, 224, 63),
        (320, 63, 354, 63),
        (147, 46, 147, 34),
        (272, 46, 272, 34),
        (320, 17, 402, 17),
        (402, 17, 402, 46),
    ):
        c.line(x1 * scale, y1, x2 * scale, y2)
    for x, y in ((104, 63), (224, 63), (354, 63)):
        tip = c.beginPath()
        tip.moveTo(x * scale, y)
        tip.lineTo(x * scale - 6, y + 3)
        tip.lineTo(x * scale - 6, y - 3)
        c.setFillColor(HexColor(LOOK.muted))
        c.drawPath(tip, stroke=0, fill=1)
    for x, y, bw, name, note, colour in boxes:
        c.setFillColor(HexColor(colour))
        c.roundRect(x * scale, y, bw * scale, 34, 4, stroke=0, fill=1)
        label(c, (x + bw / 2) * scale, y + 19, name, LOOK.font(), 10, WHITE, "c")
        label(c, (x + bw / 2) * scale, y + 6.5, note, LOOK.font(), 7.4, "#f4ece6", "c")


def first(c: Canvas, page: int) -> None:
    c.setFillColor(HexColor(RED))
    c.setStrokeColor(HexColor(RED))
    c.setLineWidth(0.7)
    heavy(c, W / 2, H - 104, "云岭测绘仪器有限公司文件", 31, RED)
    label(c, W / 2, H - 136, "云岭财字〔2025〕18号", LOOK.font(), 11.5, LOOK.ink, "c")
    c.setLineWidth(2)
    c.setStrokeColor(HexColor(RED))
    c.line(L, H - 150, R, H - 150)
    c.setStrokeColor(HexColor(LOOK.ink))
    heavy(c, W / 2, H - 186, "关于印发《差旅费管理办法》的通知", 18, LOOK.ink)
    foot(c, page)


def heavy(c: Canvas, x: float, y: float, text: str, size: float, color: str) -> None:
    """The font has one weight; a thin outline makes it bold."""
    font = LOOK.font()
    c.setFillColor(HexColor(color))
    c.setLineWidth(size / 40)
    line = c.beginText(x - width(text, font, size) / 2, y)
    line.setFont(font, size)
    line.setTextRenderMode(2)
    line.textOut(text)
    line.setTextRenderMode(0)
    c.drawText(line)


def foot(c: Canvas, page: int) -> None:
    label(c, W / 2, 34, f"— {page} —", LOOK.font(), 9, LOOK.ink, "c")


def seal(c: Canvas, w: float, h: float) -> None:
    """Signature block with the round red seal over it."""
    label(c, w, h - 16, "云岭测绘仪器有限公司", LOOK.font(), 11, LOOK.ink, "r")
    label(c, w - 12, h - 36, "2025年4月8日", LOOK.font(), 11, LOOK.ink, "r")
    x, y = w - 58, h - 26
    c.setStrokeColor(HexColor(RED))
    c.setLineWidth(2.2)
    c.circle(x, y, 42, stroke=1, fill=0)
    c.setFillColor(HexColor(RED))
    star = c.beginPath()
    for k in range(10):
        r = 13 if k % 2 == 0 else 5
        a = math.pi / 2 + k * math.pi / 5
        (star.moveTo if k == 0 else star.lineTo)(x + r * math.cos(a), y + r * math.sin(a))
    star.close()
    c.drawPath(star, stroke=0, fill=1)
    name = "云岭测绘仪器有限公司"
    for k, ch in enumerate(name):
        a = math.radians(205 - k * 230 / (len(name) - 1))
        c.saveState()
        c.translate(x + 32 * math.cos(a), y + 32 * math.sin(a))
        c.rotate(math.degrees(a) - 90)
        label(c, 0, -4, ch, LOOK.font(), 9.5, RED, "c")
        c.restoreState()
    label(c, x, y - 28, "财务部", LOOK.font(), 8.5, RED, "c")


def make(out: Path) -> None:
    def text(words: str) -> list[Flowable]:
        return prose(LOOK, words, firstLineIndent=2 * LOOK.size)

    small = {"size": 9.0, "pad": 4.2, "grid": True, "filled": True}
    story: list[Flowable] = [
        *prose(LOOK, words.OPENING),
        *text(words.CHAPTER_1),
        *text(words.CHAPTER_2),
        KeepTogether(
            [Spacer(0, 6), Draw(FULL, 92, steps), *prose(LOOK, "图一　审批流程", "caption", alignment=1)]
        ),
        *text(words.CHAPTER_3),
        KeepTogether(
            [
                *prose(LOOK, "表一　交通工具等级", "caption", alignment=1),
                table(LOOK, words.TRANSPORT, (96, 112, FULL - 96 - 112 - 54 - 58, 54, 58), "lppll", **small),  # type: ignore[arg-type]
                Spacer(0, 10),
            ]
        ),
        *text(words.CHAPTER_4),
        KeepTogether(
            [
                *prose(LOOK, "表二　每晚住宿限额和每天补助标准（元）", "caption", alignment=1),
                table(LOOK, words.LODGING, (50, FULL - 50 - 5 * 58, *[58] * 5), "lprrrrr", **small),  # type: ignore[arg-type]
                Spacer(0, 10),
            ]
        ),
        *text(words.CHAPTER_5),
        *text(words.CHAPTER_6),
        *text(words.CHAPTER_7),
        Spacer(0, 18),
        KeepTogether([Draw(FULL, 84, seal)]),
        *text(words.EXAMPLE),
        table(LOOK, words.EXAMPLE_TABLE, (120, FULL - 220, 100), "llr", total=[6], **small),  # type: ignore[arg-type]
        Spacer(0, 8),
        *text(words.QUESTIONS),
        *prose(LOOK, words.SEASON),
        table(LOOK, words.SEASON_TABLE, (84, 130, 100, FULL - 314), "llrp", **small),  # type: ignore[arg-type]
        Spacer(0, 8),
        KeepTogether(
            [
                *text(words.LAST_YEAR),
                by_department(),
                *prose(LOOK, words.LAST_CAPTION, "caption", alignment=1),
            ]
        ),
    ]
    meta = Meta("差旅费管理办法", "云岭测绘仪器有限公司", "云岭财字〔2025〕18号", "zh-CN")
    build(out / NAME, meta, A4, story, (L, 70, W - R, 62), foot, first, (L, 208, W - R, 62))
