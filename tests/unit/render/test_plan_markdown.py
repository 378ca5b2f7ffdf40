"""A plan as a comment: the summary first, nothing a user wrote is markup, and never longer than a comment may be."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from mlspec.core.beside import Beside, Judgement
from mlspec.core.comparison import MetricPair
from mlspec.core.plan import Action, Observation, Plan, Reason
from mlspec.core.verdict import Estimate, Outcome
from mlspec.render.markdown import LIMIT, code
from mlspec.render.plan_markdown import MARKER, plan_markdown
from tests.hostile import STRINGS

PLANS = sorted((Path(__file__).resolve().parents[2] / "cases/plan").glob("*/plan.json"))
TAGS = {"p", "strong", "em", "code", "br", "blockquote", "details", "summary"}
TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}


class Seen(HTMLParser):
    """What a browser would find in a comment."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.comments: list[str] = []
        self.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(page))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def action(number: int = 0, text: str = "x", **facts: Any) -> Action:
    reasons = (Reason(field=text, before=text, after=text, file=text, line=3, via="dataset/adult"),)
    known = {"verb": "train", "address": f"model/m{number}", "effect": "e", "reasons": reasons}
    return Action.model_validate(known | facts)


def plan(*actions: Action, text: str = "x", **facts: Any) -> Plan:
    known: dict[str, Any] = {
        "project": "income",
        "mlspec": "1.0.0",
        "commit": "9f0c12ab" * 5,
        "branch": text,
        "dirty": False,
        "deploys": True,
        "lineage": None,
        "at": "2026-11-23T06:00:00Z",
        "digest": "sha256:" + "a" * 64,
        "counts": {"train": 1, "blocked": 1},
        "warnings": (text,),
        "observations": (Observation(source="dataset/adult", digest=None, note=text or " "),),
        "actions": actions,
    }
    return Plan.model_validate(known | facts)


def evidence(text: str = "x", outcome: Outcome = Outcome.FAIL) -> Beside:
    one = Estimate(value=0.9, low=0.8, high=0.95, n=100, method="m")
    pair = MetricPair(metric=text, before=one, after=one)
    judged = Judgement(gate="gate/quality", outcome=outcome, reason=text)
    return Beside(
        address="model/m0",
        name="run 0a1b2c3d",
        run="r",
        data="d",
        champion=f"v1 in {text}",
        champion_data="other",
        metrics=(pair,),
        judgements=(judged,),
    )


@pytest.mark.parametrize("text", STRINGS.values(), ids=STRINGS.keys())
def test_hostile_text_is_text_and_nothing_else(text: str) -> None:
    text = text or " "  # nothing at all is not shown
    actions = (action(text=text), action(1, text, blocked=text))
    page = plan_markdown(plan(*actions, text=text), [evidence(text)])
    seen, plain = Seen(page), Seen(plan_markdown(plan(action(), action(1, blocked="x")), [evidence()]))
    assert seen.tags == plain.tags
    assert set(seen.tags) <= TAGS
    assert seen.attributes == []
    assert seen.comments == [" mlspec plan "]
    assert not any(line.lstrip().startswith(("::", "##[")) for line in page.splitlines())
    assert not any(sign in page for sign in ("@", "://", "\x1b", "\r", "\0", "\u202e"))
    assert page.isprintable() or set(page) - {"\n"} == {sign for sign in page if sign.isprintable()}
    page.encode()


@pytest.mark.parametrize(
    "text", ["a|b", "`x`", "<b>", "[a](b)", "**x**", "_x_", "~~x~~", "&amp;", "$x$", "a\\|b", "größe 数"]
)
def test_code_says_what_was_written(text: str) -> None:
    assert Seen(f"| a |\n|---|\n| {code(text)} |\n").text.split() == ["a", *text.split()]


def test_the_summary_is_the_first_line_and_the_marker_the_last() -> None:
    page = plan_markdown(plan(action(), action(1, blocked="not merged")))
    assert page.startswith("**Plan for <code>income</code>:** 1 to train, 1 blocked.\n")
    assert page.endswith(MARKER)
    assert "**blocked:** <code>not merged</code>" in page


def test_metrics_and_verdicts_stand_in_tables() -> None:
    page = plan_markdown(plan(action()), [evidence(), evidence(outcome=Outcome.PASS)])
    assert "| <code>x</code> | 0.9  [0.8, 0.95] | 0.9  [0.8, 0.95] | 0 |" in page
    assert "| <code>gate/quality</code> | **fail** | <code>x</code> |" in page
    assert "| <code>gate/quality</code> | pass | <code>x</code> |" in page
    assert "The test rows of the two are not the same." in page


def test_nothing_to_do_is_said() -> None:
    assert "No changes." in plan_markdown(plan(counts={}))


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.parent.name)
def test_every_kind_of_plan_can_be_written(path: Path) -> None:
    found = Plan.model_validate_json(path.read_bytes())
    page = plan_markdown(found)
    seen = Seen(page)
    assert set(seen.tags) <= TAGS
    assert seen.tags.count("tr") >= len(found.actions)


@pytest.mark.parametrize("count", [150, 600, 5000])
def test_a_large_plan_is_cut_and_says_what_is_left_out(count: int) -> None:
    actions = tuple(action(n, "a.b" * 90, blocked="<&>" * 90 if n % 2 else None) for n in range(count))
    page = plan_markdown(plan(*actions, text="<" * 500, warnings=("&" * 900,) * 40), [evidence("|" * 400)] * 20)
    assert len(page.encode()) <= LIMIT
    assert "_A comment holds no more. Left out are " in page
    assert page.endswith(MARKER)
    assert page.count("<details>") == page.count("</details>")
