"""The outer element of every SVG: it shrinks with the page, and screen readers find a title and a description."""

from html import escape

SYSTEM_FONTS = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
)


def frame(body: str, width: float, height: float, title: str, description: str) -> str:
    """SVG content, `width` x `height` pixels large, as an element that stands in a page by itself."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" style="max-width:100%;height:auto">'
        f"<title>{escape(title or description)}</title><desc>{escape(description)}</desc>{body}</svg>"
    )
