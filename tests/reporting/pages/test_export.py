"""LaTeX, Markdown and CSV as they are written."""

from __future__ import annotations

from reunlearn.reporting.cells import Cell, Column, Row, Table
from reunlearn.reporting.frames import Number, frame_of
from reunlearn.reporting.pages import export
from reunlearn.reporting.rows import RETRAIN, RowKey
from reunlearn.study.cards import TableCard

TABLE = Table(
    TableCard(name="methods", title="Methods", summary="mean ± deviation", order=1),
    "digits",
    (Column("a", "Acc & more", "%"), Column("g", "Gap")),
    (
        Row(RETRAIN, (Cell("1.0 ± 0.1"), Cell("—"))),
        Row(RowKey("gdr_gma", "code", "x_y"), (Cell("2.0", "0.5 ×"), Cell("3.00", tone="best"))),
        Row(RowKey("pgu"), (Cell("diverged", tone="bad"), Cell("4.00", tone="second"))),
    ),
)


def test_tex_escapes_and_marks():
    text = export.tex(TABLE)
    assert r"Method & Reading & Label & Acc \& more (\%) & Gap \\" in text
    assert r"gdr\_gma & code & x\_y & 2.0 (0.5 $\times$) & \textbf{3.00} \\" in text
    assert r"pgu &  &  & diverged & \underline{4.00} \\" in text
    retrain = text.index("Retrain &  &  & 1.0 $\\pm$ 0.1 & --- ")
    assert retrain < text.rindex(r"\midrule") < text.index(r"gdr\_gma")
    assert text.count(r"\begin{tabular}{lllrr}") == text.count(r"\end{tabular}") == 1


def test_tex_escapes_each_letter_once():
    assert export.tex_escape("a_b\\{%}") == r"a\_b\textbackslash{}\{\%\}"


def test_markdown_has_one_bar_more_than_columns_everywhere():
    texts = [text for text in export.markdown(TABLE).splitlines() if text.startswith("|")]
    assert len(texts) == 2 + len(TABLE.rows)
    assert {text.count("|") for text in texts} == {6}
    assert texts[3] == "| gdr_gma | code | x_y | 2.0 (0.5 ×) | **3.00** |"


def test_csv_keeps_the_numbers():
    frame = frame_of({RowKey("a", "paper", "wide"): {"x": Number(1 / 3, n=2)}})
    assert export.csv(frame) == (
        "method,reading,label,number,mean,std,n,gap,low,high\na,paper,wide,x,0.333333,,2,,,\n"
    )
