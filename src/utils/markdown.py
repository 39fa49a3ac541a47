"""Text from elsewhere as part of a Markdown document."""

_SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "[": "&#91;", "\n": " "})


def escape_markdown(text: str) -> str:
    """The same text to read, in which no HTML, link or picture begins, and no cell or row of a table ends."""
    return text.translate(_SPECIAL)
