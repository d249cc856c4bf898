"""Text stays text: in elements, in attributes, in JSON within a script element."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.report.html.markup import Html, breakable, embedded_json, joined, tag, visible
from tests.envparity.report.recorded import HOSTILE


def test_text_is_escaped_and_markup_is_not_twice() -> None:
    """Whatever the nesting."""
    inner = tag("b", "<i>&")
    assert tag("p", "1 < 2 ", [inner, [None, "\"'"]]) == "<p>1 &lt; 2 <b>&lt;i&gt;&amp;</b>&quot;&#x27;</p>"
    assert joined(inner) is inner


def test_attributes_are_escaped_named_and_left_out() -> None:
    """`class_` is class, `data_x` data-x; None and False are not written, True is bare."""
    written = tag("a", "x", class_='a"b', data_x="<", href=None, hidden=False, open=True)
    assert written == '<a class="a&quot;b" data-x="&lt;" open>x</a>'


def test_empty_elements_are_closed_as_their_language_asks() -> None:
    """HTML's have no end tag; SVG's are closed at once, or the next shape would stand in them."""
    assert tag("meta", charset="utf-8") == '<meta charset="utf-8">'
    assert tag("rect", x="1%") == '<rect x="1%"/>'


def test_what_cannot_be_seen_is_spelled_out() -> None:
    """Control characters, and those that turn the direction of the text."""
    assert visible("a\x1b[31mb\x00\u202egnp.exe") == "ab\\x00\\u202egnp.exe"


def test_a_long_name_may_break_and_is_one_word() -> None:
    """Behind its underscores, without a character that would be copied."""
    assert breakable("A_<B") == "A_<wbr>&lt;B"


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_in_a_script_element_ends_nothing_and_stays_what_it_is(value: object) -> None:
    """No `<`, `>` or `&` is left in it, and it decodes to the same."""
    written = embedded_json(value)
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == value


@pytest.mark.parametrize("end", ["</script>", "<!--", "<script>", HOSTILE])
def test_json_holds_what_would_end_a_script(end: str) -> None:
    """The known ways out of a script element."""
    assert isinstance(embedded_json([end]), Html)
    assert json.loads(embedded_json([end])) == [end]
    assert "<" not in embedded_json([end])
