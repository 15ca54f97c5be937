"""Pages as their readers take them apart."""

import html.parser
import re

VOID = {"meta", "link", "img", "wbr"}


class _Parser(html.parser.HTMLParser):
    """Collects all elements, and the cells of tables by row."""

    def __init__(self):
        super().__init__()
        self.elements, self.tables, self.open = [], [], []
        self.texts = {}

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "img" and "th" in self.open:
            self.tables[-1][-1][-1] += f" [{attributes['alt']}] "
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data


def _plain(text):
    return " ".join(text.split())


def parse_html(text):
    """Returns a parser whose `elements`, `texts` by tag and `tables` (rows of cells) are found."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    parser.tables = [[[_plain(c) for c in row] for row in rows] for rows in parser.tables]
    return parser


def markdown_tables(text):
    """Returns the tables, each as rows of cells, its rule left out; markup is taken away."""
    tables, before = [], ""
    for line in text.splitlines():
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            if not before.startswith("|"):
                tables.append([])
            if not set(line) <= set("|-: "):
                tables[-1].append([_plain(unescape(_with_alt(cell))) for cell in cells])
        before = line
    return tables


def _with_alt(cell):
    return re.sub(r"!\[(.*?)\]\(.*?\)", r"\\[\1\\] ", cell)


def unescape(text):
    return re.sub(r"\\(.)", r"\1", text)
