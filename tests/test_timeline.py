"""When each value of a user's fields held: read off the versions of a persona, drawn, and shown on the command line."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
import warnings
from datetime import UTC, datetime
from random import Random

import pytest
from sessions_lm import DAY, FIELDS, Talk, change

import personaopt as po
from personaopt.errors import ConfigurationError, PersonaError
from personaopt.fields import Span, Timeline
from personaopt.fields.lanes import GAP, Scale, bars_of, shortened, text_left
from personaopt.fields.reasons import Reason, read_reason
from personaopt.memory import PersonaVersion
from personaopt.persona import Edit, Persona, Statement


def shown(timeline: Timeline, field: str) -> list[tuple[str, str, float | None, float | None]]:
    """A field's values, with the days on which they begin and end."""
    return [
        (span.value, span.kind, *(None if time is None else int(time // DAY) for time in (span.begin, span.end)))
        for span in timeline.spans
        if span.field == field
    ]


@pytest.fixture
def talk():
    made = Talk()
    yield made
    made.store.close()


def a_life(talk: Talk) -> Talk:
    """A user who moves, is in a mood, states a budget falsely, and moves back."""
    talk.say("I live in Vienna.", "I love rowing.", day=100)
    talk.update(
        change("life.home", "Vienna", "I live in Vienna"), change("personality.interests", "rowing", "I love rowing")
    )
    talk.say("I moved to Porto.", "I feel tired this week.", day=110)
    talk.update(
        change("life.home", "Porto", "I moved to Porto", instead_of="Vienna"),
        change("pattern.emotion", "tired", "I feel tired this week", lasting=False),
    )
    talk.say("My budget is 900 euros.", "I love chess.", day=130)
    talk.update(
        change("life.budget", 900, "My budget is 900"), change("personality.interests", "chess", "I love chess")
    )
    talk.say("The 900 euros were a mistake, it is 600.", day=140)
    talk.update(
        change("life.budget", 600, "The 900 euros were a mistake, it is 600", action="take_back", instead_of=900)
    )
    talk.say("I went back to Vienna.", day=150)
    talk.update(change("life.home", "Vienna", "I went back to Vienna", instead_of="Porto"))
    return talk


def test_the_versions_say_what_held_when_and_what_never_did(talk):
    timeline = Timeline.of(a_life(talk).user, FIELDS)
    # The persona keeps one value that is over; the first stay in Vienna is known from the versions.
    assert shown(Timeline.of(talk.user.persona, FIELDS), "life.home") == [
        ("Porto", "lasting", 110, 150),
        ("Vienna", "lasting", 150, None),
    ]
    assert shown(timeline, "life.home") == [
        ("Vienna", "lasting", 100, 110),
        ("Porto", "lasting", 110, 150),
        ("Vienna", "lasting", 150, None),
    ]
    assert shown(timeline, "life.budget") == [("900", "taken back", 130, 140), ("600", "lasting", 140, None)]
    assert shown(timeline, "pattern.emotion") == [("tired", "passing", 110, 117)]
    assert [each[0] for each in shown(timeline, "personality.interests")] == ["rowing", "chess"]
    assert list(dict.fromkeys(span.field for span in timeline.spans)) == [
        path for path in FIELDS.slots() if path in {span.field for span in timeline.spans}
    ]
    assert sorted(timeline.sessions) == ["s100", "s110", "s130", "s140", "s150"]
    for span in timeline.spans:
        assert span.said == tuple(talk.user.interaction(each).time for each in span.evidence)
    versions = {(span.value, span.version) for span in timeline.spans}
    assert {("Porto", 2), ("900", 3), ("600", 4)} < versions


def test_what_held_at_a_time(talk):
    timeline = Timeline.of(a_life(talk).user, FIELDS)

    def at(day):
        return {(span.title, span.value) for span in timeline.at(DAY * day)}

    assert at(99) == set()
    assert at(112) == {("Lives in", "Porto"), ("Feels", "tired"), ("Is interested in", "rowing")}
    assert ("Budget in euros", "900") not in at(135)  # it never was true
    assert at(200) == {(span.title, span.value) for span in timeline.spans if span.true and span.end is None}
    assert FIELDS.of(talk.user.persona).life.home == "Vienna"


def test_what_held_before_a_false_statement_held_all_along(talk):
    talk.say("I live in Vienna.", day=100)
    talk.update(change("life.home", "Vienna", "I live in Vienna"))
    talk.say("I live in Porto.", day=110)
    talk.update(change("life.home", "Porto", "I live in Porto", instead_of="Vienna"))
    talk.say("I said Porto by mistake.", day=120)
    talk.update(change("life.home", None, "I said Porto by mistake", action="take_back", instead_of="Porto"))
    assert shown(Timeline.of(talk.user, FIELDS), "life.home") == [
        ("Vienna", "lasting", 100, None),
        ("Porto", "taken back", 110, 120),
    ]


def test_what_is_taken_back_after_it_gave_way_never_was(talk):
    talk.optimizer = po.DictionaryOptimizer(fields=FIELDS, k=1, past=2)
    for day, city in ((100, "Vienna"), (110, "Porto"), (120, "Vienna")):
        talk.say(f"I live in {city}.", day=day)
        talk.update(change("life.home", city, f"I live in {city}"))
    talk.say("I never lived in Porto, that was a mistake.", day=130)
    talk.update(change("life.home", None, "I never lived in Porto", action="take_back", instead_of="Porto"))
    assert shown(Timeline.of(talk.user, FIELDS), "life.home") == [
        ("Vienna", "lasting", 100, None),
        ("Porto", "taken back", 110, 130),
    ]


def test_a_mood_may_end_early_or_never_have_been(talk):
    talk.say("I am calm.", day=99)
    talk.update(change("pattern.emotion", "calm", "I am calm"))
    talk.say("I feel tired this week.", day=100)
    talk.update(change("pattern.emotion", "tired", "I feel tired this week", lasting=False))
    talk.say("I am calm again.", day=103)
    talk.update(change("pattern.emotion", "calm", "I am calm again"))
    moods = shown(Timeline.of(talk.user, FIELDS), "pattern.emotion")
    assert ("tired", "passing", 100, 103) in moods
    assert [each for each in moods if each[0] == "calm"] == [("calm", "lasting", 99, None)]


def test_rollback_and_what_is_dropped_by_hand_are_told_from_what_ended(talk):
    a_life(talk)
    talk.say("I live in Rome.", day=160)
    talk.update(change("life.home", "Rome", "I live in Rome", instead_of="Vienna"))
    rolled = talk.user.rollback(5)
    homes = shown(Timeline.of(talk.user, FIELDS), "life.home")
    assert homes[-1] == ("Rome", "rolled back", 160, int(rolled.created // DAY))
    assert homes[-2] == ("Vienna", "lasting", 150, None)
    kept = tuple(each for each in rolled.persona.statements if each.field != "personality.interests")
    talk.user.save_persona(Persona(kept), parent=rolled.version, author="a person")
    timeline = Timeline.of(talk.user, FIELDS)
    assert {each[1] for each in shown(timeline, "personality.interests")} == {"dropped"}
    assert timeline.last == DAY * 160  # when a version was stored is no time of the user's life
    talk.user.rollback(rolled.version)
    assert {each[1] for each in shown(Timeline.of(talk.user, FIELDS), "personality.interests")} == {"lasting"}


def test_without_past_values_the_end_is_known_from_the_reason():
    talk = Talk()
    talk.optimizer = po.DictionaryOptimizer(fields=FIELDS, k=1, past=0)
    a_life(talk)
    assert len([line for line in talk.lines if line.startswith("Lives in")]) == 1
    assert shown(Timeline.of(talk.user, FIELDS), "life.home") == [
        ("Vienna", "lasting", 100, 110),
        ("Porto", "lasting", 110, 150),
        ("Vienna", "lasting", 150, None),
    ]
    talk.store.close()


def test_what_was_forgotten_is_in_no_timeline(talk):
    a_life(talk)
    (porto,) = (turn.id for turn in talk.user.history() if "Porto" in turn.inputs["message"])
    talk.user.forget(porto)
    timeline = Timeline.of(talk.user, FIELDS)
    assert "Porto" not in json.dumps(timeline.to_dict())
    assert "s110" in timeline.sessions  # the mood of that session is still known


def test_edits_are_stored_with_what_made_them(talk):
    a_life(talk)
    made = [(str(edit.statement or edit.target), read_reason(edit.reason)) for edit in talk.user.personas()[3].edits]
    (back,) = talk.user.history(session="s140")
    assert [reason for _, reason in made] == [Reason("take_back", back.id)] * 2
    for action in ("set", "end", "take_back"):
        reason = Reason(action, "in message x.")
        assert read_reason(str(reason)) == reason
    assert read_reason("It helped.") is None


def test_fields_need_not_be_known(talk):
    timeline = Timeline.of(a_life(talk).user)
    assert {(span.title, span.value) for span in timeline.spans} == {
        (span.title, span.value) for span in Timeline.of(talk.user, FIELDS).spans
    }
    odd = Persona((Statement("Odd line", field="life.home"), Statement("Free line.")))
    assert [(span.title, span.value) for span in Timeline.of(odd).spans] == [("Home", "Odd line")]
    assert [(span.title, span.value) for span in Timeline.of(odd, FIELDS).spans] == [("Lives in", "Odd line")]
    assert Timeline.of(odd, po.PersonaFields).spans == ()


def test_thousands_of_versions_take_seconds():
    class Kept:
        def personas(self):
            return versions

        def interaction(self, interaction_id):
            raise po.DataError("forgotten")

    city = [Statement(f"Lives in: city {n % 50}", f"s{n}", (f"i{n}",), field="life.home", valid_from=DAY * n)
            for n in range(3000)]  # fmt: skip
    over = [dataclasses.replace(each, text=f"{each.text} (until x)", valid_to=DAY * (n + 1))
            for n, each in enumerate(city)]  # fmt: skip
    versions = [
        PersonaVersion(n + 1, n or None, Persona((over[n - 1], city[n]) if n else (city[0],)), float(n), "t")
        for n in range(3000)
    ]
    started = time.perf_counter()
    timeline = Timeline.of(Kept(), FIELDS)
    assert time.perf_counter() - started < 5
    assert len(timeline.spans) == 3000
    assert [span.value for span in timeline.at(DAY * 77)] == ["city 27"]


def lasting(value, begin, end=None, kind="lasting"):
    return Span("life.home", "Lives in", value, kind, begin, end)


def test_no_bar_covers_another_one_or_its_text():
    draw = Random(3)
    scale = Scale(0.0, 100.0, 6.0)
    for _ in range(200):
        spans = [
            lasting(
                "x" * draw.randint(1, 90),
                begin := draw.uniform(0, 99),
                draw.choice([None, begin + draw.uniform(0, 50)]),
            )
            for _ in range(draw.randint(1, 8))
        ]
        bars = bars_of(spans, scale, lambda text: 0.07 * len(text))
        assert sorted(bar.span.value for bar in bars) == sorted(span.value for span in spans)
        for bar in bars:
            start = text_left(bar, scale, 0.07 * len(bar.text))
            taken = (min(bar.left, start), max(bar.right, start + 0.07 * len(bar.text)))
            assert taken[1] <= scale.width + 0.11
            for other in bars:
                if other is not bar and other.lane == bar.lane:
                    assert other.right <= bar.left + 1e-6 or bar.right <= other.left + 1e-6
                    assert not bar.inside or other.right <= start or other.left >= taken[1] - GAP
    assert shortened("Vienna", 1.0, lambda text: float(len(text))) == "…"


def test_a_picture_says_what_there_is(talk, tmp_path):
    timeline = Timeline.of(a_life(talk).user, FIELDS)
    figure = timeline.figure("Oleg")
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert {"Lives in", "Vienna", "Porto", "tired", "900", "600", "s110", "taken back", "holds", "LIFE"} < set(texts)
    assert "rolled back" not in texts
    assert [text.get_text() for text in figure.texts] == ["Oleg"]
    hatched = [patch for patch in figure.axes[0].patches if patch.get_hatch()]
    assert len(figure.axes[0].patches) == len(timeline.spans)
    assert len(hatched) == 1
    for name in ("a.png", "a.svg", "a.pdf"):
        timeline.save(tmp_path / name)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()
    with pytest.raises(ConfigurationError, match="ends otherwise"):
        timeline.save(tmp_path / "a.doc")
    with pytest.raises(PersonaError, match="cannot be written"):
        timeline.save(tmp_path / "none" / "a.png")
    later = timeline.figure(until=DAY * 400)
    assert later.get_figwidth() == figure.get_figwidth()


@pytest.mark.parametrize(
    "spans",
    [
        (),
        (lasting("$a_b$ \\frac", 0.0),),
        (lasting("東京に住んでいます", 0.0, 5.0), lasting("קהיר", 5.0)),
        (lasting("very long " * 60, None, None),),
        (lasting("now", DAY * 20_000, DAY * 20_000), lasting("then", DAY * 20_000)),
        tuple(lasting(str(year), year * 365 * DAY, (year + 1) * 365 * DAY) for year in range(40)),
        (lasting("hours", DAY * 100, DAY * 100 + 3600), lasting("later", DAY * 100 + 3600)),
    ],
)
def test_whatever_users_say_can_be_drawn(spans, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Timeline(tuple(spans), {"<s1> $x$": DAY}).save(tmp_path / "a.png", "Title $x$")
    assert (tmp_path / "a.png").stat().st_size > 2000


def test_notebooks_see_a_picture_with_a_table_and_fields_as_a_table(talk):
    page = Timeline.of(a_life(talk).user, FIELDS)._repr_html_()
    assert "data:image/png;base64," in page
    assert "<s>900</s>" in page
    assert "<td>1970-04-11</td><td>1970-04-21</td><td>lasting</td>" in page
    fields = FIELDS.from_dict({"life": {"home": "<b>"}, "personality": {"interests": ["a", "b"]}})
    table = fields._repr_html_()
    assert "<td>Lives in</td><td>&lt;b&gt;</td>" in table
    assert "<td>a; b</td>" in table
    assert "no field" in FIELDS()._repr_html_()
    assert "&lt;b&gt;" in Timeline((lasting("<b>", 0.0),))._repr_html_()


def test_without_matplotlib_it_is_a_table(talk, monkeypatch, tmp_path):
    timeline = Timeline.of(a_life(talk).user, FIELDS)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert timeline._repr_html_().startswith("<table>")
    with pytest.raises(ConfigurationError, match="pip install"):
        timeline.save(tmp_path / "a.png")


def test_on_the_command_line(command, tmp_path):
    place, picture = tmp_path / "a.db", tmp_path / "u.png"
    home = Statement("Lives in: Vienna", field="life.home", valid_from=day(2026, 1, 5), evidence=("i1",))
    over = Statement("Lives in: Vienna (until 2026-03-01)", home.id, ("i1",), field="life.home",
                     valid_from=home.valid_from, valid_to=day(2026, 3, 1))  # fmt: skip
    new = Statement("Lives in: Porto", field="life.home", valid_from=day(2026, 3, 1))
    with po.open_store(place) as store:
        user = store.user("u")
        user.record(po.Interaction({"message": "I live in Vienna."}, id="i1", time=day(2026, 1, 5)))
        user.save_persona(Persona((home,)), parent=0, author="t")
        user.save_persona(Persona((over, new)), parent=1, author="t", edits=[Edit("add", new)])
    code, stdout, stderr = command("show", "u", "--store", place, "--at", "2026-02-01")
    assert (code, stderr) == (0, "")
    assert "what held at 2026-02-01 00:00" in stdout
    assert "- Lives in: Vienna\n    learnt, from i1" in stdout
    assert "Porto" not in stdout
    assert "No field" in command("show", "u", "--store", place, "--at", "2020-02-01")[1]
    found = json.loads(command("show", "u", "--store", place, "--at", "2026-03-02T10:00", "--json")[1])
    assert [(span["field"], span["value"]) for span in found["held"]] == [("life.home", "Porto")]
    assert command("show", "u", "--store", place, "--at", "yesterday")[0] == 2
    code, stdout, stderr = command("history", "u", "--store", place, "--timeline", picture, "--json")
    assert (code, len(json.loads(stdout)["versions"])) == (0, 2)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert command("history", "u", "--store", place, "--timeline", tmp_path / "u.txt")[0] == 2
    with po.open_store(place) as store:
        store.user("v").write_persona("Likes tea.")
    code, _, stderr = command("history", "v", "--store", place, "--timeline", picture)
    assert (code, stderr) == (1, "No version of v's persona has a value in a field, so there is nothing to draw.\n")


def day(*date: int) -> float:
    return datetime(*date, tzinfo=UTC).timestamp()
