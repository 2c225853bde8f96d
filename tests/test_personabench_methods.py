"""The methods of PersonaBench: what each is shown, when it learns, and that lines do not disturb fields."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import dspy
import pytest
from hashed_words import HashedWords
from talking import Said, talking_lm

import personaopt as po
from personaopt.evals.personabench import OfflineBackend, Size, generate, load_bench
from personaopt.evals.personabench.fields import BenchFields
from personaopt.evals.personabench.measuring.field_scores import field_scores
from personaopt.evals.personabench.methods.method import Setting
from personaopt.evals.personabench.methods.personaopt import PersonaOpt
from personaopt.evals.personabench.methods.registry import METHODS
from personaopt.evals.personabench.simulation.satisfaction import RuleSatisfaction
from personaopt.evals.personabench.simulation.sessions import hold
from personaopt.evals.personabench.simulation.users import RuleUser
from personaopt.lm.asks import Ask
from personaopt.optimizers.beside_fields import BesideFields, without_repeated
from personaopt.optimizers.editors import EditRequest

FORMS = {
    "bullets": "- one\n- two", "numbers": "1. one\n2. two", "table": "| a | b |\n| c | d |", "paragraph": "It is so.",
    "brief": "It is so.", "thorough": "word " * 100, "example": "For example, so.", "question": "Why?",
}  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    generate(folder, OfflineBackend(), Size(personas=1, sessions=12, seed=7000))
    return load_bench(folder)


class Scripted:
    """Answers right where the prompt names the value that the answer depends on; reads every remark; writes one line.

    Attributes:
        session: The session under way.
        line: What the editor of lines proposes.
        prose: Whether the editor of fields answers in prose.
    """

    def __init__(self, bench) -> None:
        self.profile = next(iter(bench.profiles.values()))
        self.sessions = bench.of(self.profile.id)
        self.session = self.sessions[0]
        self.line, self.prose = "Likes it plain.", False
        self.asked: list[tuple[str, Said]] = []
        self.lm = talking_lm(self._reply)

    def count(self, output: str) -> int:
        return sum(name == output for name, _ in self.asked)

    def _reply(self, said: Said) -> str:
        asked = said.last.rpartition("Respond with")[2]
        output = next(name for name in ("changes", "edits", "feedback", "calls", "reply") if f"## {name} ##" in asked)
        self.asked.append((output, said))
        return {
            "changes": self._changes,
            "edits": lambda said: json.dumps([{"action": "add", "text": self.line, "feedback": [1]}]),
            "feedback": lambda said: "The user wants it plain.",
            "calls": self._calls,
            "reply": self._answer,
        }[output](said)

    def _changes(self, said: Said) -> str:
        if self.prose:
            return "I think that nothing has changed."
        old = {(event.field, event.new): event.old for event in self.profile.events}
        found = [
            {
                "field": remark.field,
                "value": remark.value,
                "instead_of": old.get((remark.field, remark.value)),
                "quote": remark.text,
                "lasting": remark.kind != "mood",
            }
            for session in self.sessions
            for remark in session.remarks
            if remark.text in said.last
        ]
        return json.dumps(found)

    def _knows(self, said: Said) -> bool:
        seen = "\n".join((said.system, *(text for _, text, _ in said.messages)))
        now = self.profile.values_at(self.session.time)
        return all(value in seen for check in self.session.checks for value in now[check.field])

    def _calls(self, said: Said) -> str:
        done = "It gave" in said.last or "<" in said.last.partition("observations")[2][:400]
        calls = self.session.calls if self._knows(said) and not done else []
        return json.dumps([{"tool": call.name, "arguments": json.loads(call.arguments)} for call in calls])

    def _answer(self, said: Said) -> str:
        (check, *_) = self.session.checks
        if not self._knows(said):
            return check.others[0] if check.kind == "first_named" else "I do not know."
        return FORMS[check.accepted[0]] if check.kind == "form" else f"Take {check.accepted[0]}."


class Life:
    """One persona under one method."""

    def __init__(self, bench, name: str, make=None, **settings) -> None:
        self.scripted = Scripted(bench)
        self.store = po.open_store(":memory:", embedder=HashedWords())
        self.user = self.store.user("p")
        self.learner = (make or METHODS[name])(self.user, Setting(agent_lm=self.scripted.lm, **settings))
        self.dialogues, self.learnt = [], []

    def live(self, count: int = 99) -> Life:
        profile = self.scripted.profile
        for session in self.scripted.sessions[len(self.dialogues) :][:count]:
            self.scripted.session = session
            agent = self.learner.agent(session.id, profile.persona_at(session.time))
            dialogue = hold(agent, session, profile, RuleUser(), RuleSatisfaction())
            self.dialogues.append(dialogue)
            self.learnt.append(self.learner.learn())
        return self

    @property
    def first_time_right(self) -> int:
        return sum(dialogue.utterances == 1 for dialogue in self.dialogues)

    @property
    def f1(self) -> float:
        last = self.scripted.sessions[len(self.dialogues) - 1]
        return field_scores(self.learner.persona(), self.scripted.profile.fields_at(last.time), at=last.time + 3600).f1


@pytest.fixture
def life(bench):
    made: list[Life] = []

    def of(name: str, make=None, **settings) -> Life:
        made.append(Life(bench, name, make, **settings))
        return made[-1]

    yield of
    for each in made:
        each.store.close()


def test_the_names_of_the_methods():
    assert list(METHODS)[:7] == ["none", "golden", "rag", "k1", "k3", "k5", "personaopt"]


def test_without_a_persona_nothing_is_known_and_nothing_learnt(life):
    none = life("none").live(6)
    assert none.learner.persona() is None
    assert none.first_time_right <= 1  # where the right one of all options was named by chance
    assert not any(learnt.updated for learnt in none.learnt)
    assert none.scripted.count("changes") == 0
    assert none.scripted.asked[-1][1].last.startswith("[[ ## memories ## ]]\n[]")


def test_the_golden_persona_is_that_of_the_session_and_leaves_nothing_to_be_said(life):
    golden = life("golden").live()
    assert golden.first_time_right == len(golden.dialogues)
    last = golden.scripted.sessions[-1]
    assert golden.learner.persona().render() == golden.scripted.profile.persona_at(last.time).render()
    assert golden.f1 == 1.0


def test_retrieval_shows_earlier_sessions_and_no_persona(life):
    rag = life("rag", retrieve=3).live(4)
    assert rag.learner.persona() is None
    prompt = [said for output, said in rag.scripted.asked if output == "reply"][-1].last
    shown = prompt.partition("## memories ##")[2].partition("## message ##")[0]
    assert shown.count('"inputs"') == 3
    assert not any(exchange.message[:40] in shown for exchange in rag.dialogues[-1].exchanges)
    earlier = [turn.inputs["message"] for turn in rag.user.history() if turn.session != rag.dialogues[-1].session]
    assert any(json.dumps(text)[1:30] in shown for text in earlier)
    said = {
        datetime.fromtimestamp(turn.time, UTC).strftime("(%Y-%m-%d %H:%M) ") + json.dumps(turn.inputs["message"])[1:20]
        for turn in rag.user.history()
    }
    assert sum(each in shown for each in said) == 3  # or what is so could not be told from what was


@pytest.mark.parametrize("k", [1, 3, 5])
def test_the_paper_updates_every_k_sessions_and_at_no_other_time(life, k):
    paper = life(f"k{k}").live(7)
    assert [learnt.updated for learnt in paper.learnt] == [place % k == 0 for place in range(1, 8)]
    assert paper.scripted.count("changes") == 7 // k
    assert all(learnt.reason.endswith("sessions since the last alignment") for learnt in paper.learnt if learnt.updated)


def test_personaopt_knows_the_user_in_the_end(life):
    ours = life("personaopt").live()
    assert ours.f1 > 0.95  # nobody says when a mood has passed
    updates = [learnt.updated for learnt in ours.learnt]
    assert ours.scripted.count("changes") == 2 * sum(updates)
    said = [dialogue.utterances > 1 or bool(dialogue.closing) for dialogue in ours.dialogues]
    assert all(updated for updated, news in zip(updates, said, strict=True) if news)
    assert not all(updates)  # a session in which all was as expected is not read by itself
    assert ours.first_time_right > life("none").live().first_time_right
    assert ours.learner.persona().token_limit == 2000
    assert ours.user.store.persona("p").persona == ours.learner.persona()


class NowAndThen:
    def due(self, user, since):
        return "it is time" if since is None else ""


def test_lines_are_learnt_from_corrected_replies_and_leave_the_fields_alone(life):
    both, fields = life("personaopt"), life("no-lines").live()
    both.live(6)
    both.learner.surprise = NowAndThen()
    both.live()
    lines = [each for each in both.learner.persona().statements if each.field is None]
    assert both.scripted.count("feedback") > 0
    assert both.scripted.count("edits") == 1
    assert "it is time" in both.learnt[6].reason
    assert fields.scripted.count("edits") == 0
    kept = [each for each in both.learner.persona().statements if each.field is not None]
    assert [each.text for each in kept] == [each.text for each in fields.learner.persona().statements]
    assert all(each.text == "Likes it plain." for each in lines)


def test_without_fields_no_field_is_learnt(life):
    lines = life("no-fields").live(4)
    assert lines.scripted.count("changes") == 0
    assert isinstance(lines.learner, PersonaOpt)
    assert not lines.learner.persona()


def test_an_editor_that_answers_in_prose_is_a_note(life):
    ours = life("personaopt")
    ours.scripted.prose = True
    ours.live(2)
    assert not ours.learner.persona()
    assert "nothing of use" in " ".join(ours.learnt[-1].notes)


LIVES = po.Persona(
    (
        po.Statement("Lives in: Porto", field="life.home"),
        po.Statement("Lives in: Split (until 2026-03-01)", field="life.home", valid_to=1.0),
        po.Statement("E or I: E", field="personality.extraversion"),
        po.Statement("Likes it plain."),
    )
)


@dataclasses.dataclass
class Proposing:
    edits: tuple[po.Edit, ...]

    def propose(self, request):
        assert [each.pinned for each in request.persona.statements] == [True, True, True, False]
        return [Ask.done(self.edits)]


def test_an_editor_of_lines_touches_no_field_and_repeats_none():
    field, line = LIVES.statements[0], LIVES.statements[3]
    kept = (po.Edit("add", po.Statement("I am one for a short answer.")), po.Edit("remove", target=line.id))
    dropped = (
        po.Edit("remove", target=field.id),
        po.Edit("replace", po.Statement("Lives somewhere."), field.id),
        po.Edit("add", po.Statement("Wants the weather of Porto.")),
        po.Edit("add", po.Statement("Has friends in split.")),
    )
    editor = BesideFields(Proposing((*dropped, *kept)), BenchFields)
    request = EditRequest(None, LIVES, [], [], [], 1, 0)
    (ask,) = editor.propose(request)
    assert ask.finish(ask.call(0)) == kept


def test_a_line_goes_when_a_field_says_it():
    lines = (po.Statement("Asks about Porto."), po.Statement("Porto is home.", source="written"))
    persona = dataclasses.replace(LIVES, statements=(*LIVES.statements, *lines))
    assert without_repeated(persona, BenchFields).statements == (*LIVES.statements, lines[1])


@pytest.mark.local_model
@pytest.mark.parametrize("name", ["k1", "rag"])
def test_with_the_small_local_model(bench, local_lm, name):
    profile = next(iter(bench.profiles.values()))
    session = next(each for each in bench.of(profile.id) if not each.functions)
    local_lm = local_lm.copy(max_tokens=12)
    with po.open_store(":memory:", embedder=HashedWords()) as store, dspy.context(lm=local_lm):
        learner = METHODS[name](store.user("p"), Setting(agent_lm=local_lm))
        agent = learner.agent(session.id, profile.persona_at(session.time))
        dialogue = hold(agent, session, profile, RuleUser(), RuleSatisfaction(), turns=1)
        learnt = learner.learn()
    assert dialogue.first.reply
    assert learnt.updated == (name == "k1")
