"""Simulated sessions: who says what, what the agent may see and call, and what is recorded of it."""

from __future__ import annotations

import asyncio
import json

import pytest
from hashed_words import HashedWords
from talking import Said, talking_lm

import personaopt as po
from personaopt.errors import ConfigurationError, DataError, ModelError, ToolError
from personaopt.evals.personabench import OfflineBackend, Size, generate, load_bench
from personaopt.evals.personabench.records import Call, Check, Function, Held, Profile, Remark, Session
from personaopt.evals.personabench.simulation.dialogue import Dialogue, Exchange
from personaopt.evals.personabench.simulation.functions import SimulatedFunctions
from personaopt.evals.personabench.simulation.satisfaction import LMSatisfaction, RuleSatisfaction, satisfies
from personaopt.evals.personabench.simulation.sessions import MINUTE, ahold, hold
from personaopt.evals.personabench.simulation.task import AssistUser
from personaopt.evals.personabench.simulation.users import LMUser, RuleUser
from personaopt.lm.asks import always
from personaopt.optimizers.heeding import in_conversation
from personaopt.optimizers.sessions import messages_of, read_sessions, session_of, spoken_fields
from personaopt.optimizers.trainset import with_truth
from personaopt.signals import weight_of

NOON = 1_740_000_000.0
DAY = 86_400.0
NOBODY = Profile(id="p0", language="English", biography="", held=[], events=[], sessions=[NOON])
WEATHER = Function(
    name="get_weather",
    description="The weather of a city.",
    parameters=json.dumps(
        {
            "type": "object",
            "properties": {"city": {"type": "string"}, "day": {"type": "string", "enum": ["today", "tomorrow"]}},
            "required": ["city"],
            "additionalProperties": False,
        }
    ),
    effect="look_up",
    table="weather",
    key="city",
)
DIET = Check(
    field="life.diet",
    kind="first_named",
    accepted=["the lentil stew"],
    others=["the steak"],
    complaint="I am vegetarian, so not that.",
)
REMARKS = [
    Remark(kind="fact", field="demographics.name", value="Ada", text="My name is Ada."),
    Remark(kind="fact", field="life.home", value="Porto", text="I live in Porto."),
    Remark(kind="fact", field="life.home", value="Porto", text="I live in Porto."),
]


def a_session(**changes) -> Session:
    values = {
        "id": "p0-s000",
        "persona": "p0",
        "number": 0,
        "time": NOON,
        "scene": "p0-s000",
        "kind": "specific",
        "topic": "dinner",
        "context": "The menu has the steak and the lentil stew.",
        "query": "What do I take?",
        "expected": "EXPECTED: names the stew.",
        "checks": [DIET],
        "functions": [],
        "calls": [],
        "state": "{}",
        "remarks": REMARKS,
    }
    return Session(**{**values, **changes})


class Replying:
    """An agent's LM whose replies and calls are given, in order; the last of each is repeated."""

    def __init__(self, *replies: str, calls: list | None = None) -> None:
        self.replies, self.calls = list(replies), list(calls or [])
        self.lm = talking_lm(self._reply)

    def _reply(self, said: Said) -> str:
        if "[[ ## calls ## ]]" in said.last.rpartition("Respond with")[2]:
            return json.dumps(self.calls.pop(0) if self.calls else [])
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    @property
    def requests(self) -> list[Said]:
        return self.lm.engine.requests

    @property
    def seen(self) -> str:
        return "\n".join(text for each in self.requests for _, text, _ in each.messages) + self.requests[0].system


def a_role(reply):
    lm = talking_lm(reply)
    lm.cache = False  # other tests ask the same
    return lm


@pytest.fixture
def user():
    with po.open_store(":memory:", embedder=HashedWords()) as store:
        yield store.user("p0-k3")


def an_agent(user, **settings) -> po.PersonaAgent:
    return po.PersonaAgent(AssistUser, user=user, retrieve=0, **settings)


def held(user, session: Session, said: Replying, **settings) -> Dialogue:
    return hold(an_agent(user), session, NOBODY, RuleUser(), RuleSatisfaction(), lm=said.lm, **settings)


def test_a_first_reply_that_satisfies_ends_the_session_and_what_is_left_is_said_in_closing(user):
    said = Replying("Take the lentil stew.")
    dialogue = held(user, a_session(), said)
    assert dialogue.utterances == 1
    assert dialogue.satisfied
    assert dialogue.first.message == "The menu has the steak and the lentil stew.\n\nWhat do I take?"
    assert dialogue.closing == "My name is Ada. I live in Porto."
    first, closing = user.history()
    assert (first.session, first.time, first.task) == ("p0-s000", NOON, "AssistUser")
    assert first.ground_truth == {"reply": "Take the lentil stew."}
    assert first.signals["truth"] == "accepted"
    assert closing.inputs == {"message": dialogue.closing}
    assert not closing.response
    assert not closing.ground_truth
    assert (closing.session, closing.time) == ("p0-s000", NOON + MINUTE)


def test_a_wrong_reply_is_complained_about_and_the_one_that_satisfied_is_its_correction(user):
    said = Replying("Take the steak.", "Then the lentil stew.")
    dialogue = held(user, a_session(), said)
    assert dialogue.utterances == 2
    assert dialogue.exchanges[1].message == "I am vegetarian, so not that. My name is Ada. I live in Porto."
    assert dialogue.closing == ""
    first, second = user.history()
    assert first.response == {"reply": "Take the steak."}
    assert first.ground_truth == {"reply": "Then the lentil stew."}
    assert first.signals["truth"] == "correction"
    assert (second.time, second.signals["truth"]) == (NOON + MINUTE, "accepted")
    assert [role for role, _, _ in said.requests[1].messages] == ["user", "assistant", "user"]


def test_a_user_who_is_never_satisfied_says_everything_once(user):
    dialogue = held(user, a_session(), Replying("Take the steak."))
    assert (dialogue.utterances, dialogue.satisfied, dialogue.closing) == (4, False, "")
    messages = "\n".join(each.message for each in dialogue.exchanges)
    assert messages.count("My name is Ada.") == messages.count("I live in Porto.") == 1
    assert [item.signals["thumbs"] for item in user.history()] == ["down"] * 3
    assert not any(item.ground_truth for item in user.history())


def test_the_agent_sees_neither_checks_nor_the_expected_reply_nor_the_profile(user):
    profile = NOBODY.model_copy(update={"biography": "BIOGRAPHY of a vegetarian."})
    session = a_session(functions=[WEATHER], state=json.dumps({"weather": {"Porto": "sun"}, "SECRET": 1}))
    said = Replying("Take the lentil stew.", calls=[[{"tool": "get_weather", "arguments": {"city": "Porto"}}]])
    hold(an_agent(user), session, profile, RuleUser(), RuleSatisfaction(), lm=said.lm)
    for hidden in ("EXPECTED", "vegetarian", "BIOGRAPHY", "SECRET", "first_named", "accepted"):
        assert hidden not in said.seen
    assert "get_weather(city" in said.seen


def test_nothing_is_said_at_the_end_where_nothing_is_left(user):
    empty = REMARKS[0].model_copy(update={"text": "  "})
    assert held(user, a_session(remarks=[empty]), Replying("The lentil stew.")).closing == ""
    assert user.count() == 1


def test_calls_that_cannot_be_read_are_a_note(user):
    said = Replying("The lentil stew.", calls=["no calls"] * 3)
    dialogue = held(user, a_session(functions=[WEATHER]), said)
    assert dialogue.satisfied
    assert dialogue.first.calls == ()
    assert "The policy chose nothing" in dialogue.notes[0]


def test_a_dialogue_is_written_and_read(user):
    dialogue = held(user, a_session(), Replying("Take the steak.", "The lentil stew."))
    assert Dialogue.from_dict(json.loads(json.dumps(dialogue.to_dict()))) == dialogue


def test_functions_are_called_and_calls_that_do_not_fit_are_refused_and_counted(user):
    calls = [
        [{"tool": "get_weather", "arguments": {"town": "Porto"}}, {"tool": "get_news", "arguments": {}}],
        [{"tool": "get_weather", "arguments": {"city": "porto", "day": "someday"}}],
        [{"tool": "get_weather", "arguments": {"city": "porto", "day": "today"}}],
    ]
    said = Replying("Take the lentil stew in the sun.", calls=calls)
    session = a_session(functions=[WEATHER], state=json.dumps({"weather": {"Porto": "sun"}}))
    first = held(user, session, said).first
    assert [call.name for call in first.calls] == ["get_weather", "get_news", "get_weather", "get_weather"]
    assert json.loads(first.calls[-1].arguments) == {"city": "porto", "day": "today"}
    assert [bool(refusal) for refusal in first.refusals] == [True, True, True, False]
    assert "town" in first.refusals[0]
    assert "get_news" in first.refusals[1]
    assert "someday" in first.refusals[2]
    assert [action["tool"] for action in user.history()[0].actions] == [call.name for call in first.calls]
    assert user.allowed_tools == []


def test_nobody_is_satisfied_by_a_call_that_was_refused_or_by_calls_that_try_every_city(user):
    """The same calls count for the user, the complaint and the scores."""
    check = Check(field="life.home", kind="argument", accepted=["Porto"], others=["Cork"], argument="get_weather.city",
                  complaint="I live in Porto.")  # fmt: skip
    session = a_session(checks=[check], functions=[WEATHER], state=json.dumps({"weather": {"Porto": "sun"}}))
    right = {"tool": "get_weather", "arguments": {"city": "Porto", "day": "today"}}
    refused = {"tool": "get_weather", "arguments": {"city": "Porto", "day": "someday"}}
    other = {"tool": "get_weather", "arguments": {"city": "Cork", "day": "today"}}
    for made, satisfied in (([refused], False), ([right, other], False), ([other, right], True), ([right], True)):
        exchange = Exchange(
            "?",
            "It will be sunny.",
            tuple(Call(name="get_weather", arguments=json.dumps(each["arguments"]), exact=[]) for each in made),
            tuple("day: no such day" if each is refused else "" for each in made),
        )
        assert satisfies(session, exchange) is satisfied
    dialogue = held(user, session, Replying("Sun.", "Sun.", calls=[[refused], [], [right], []]))
    assert [each.satisfied for each in dialogue.exchanges] == [False, True]
    assert dialogue.exchanges[1].message.startswith("I live in Porto.")


def test_the_agent_of_the_method_stays_as_it_is(user):
    agent = an_agent(user)
    said = Replying("The lentil stew.")
    hold(agent, a_session(functions=[WEATHER]), NOBODY, RuleUser(), RuleSatisfaction(), lm=said.lm)
    assert agent.max_actions == 0
    assert agent.available_tools() == ["recall", "profile", "recent"]
    assert "recall(" not in said.seen


@pytest.mark.parametrize("turns", [0, True, 1.5])
def test_turns_are_a_number(user, turns):
    with pytest.raises(ConfigurationError, match="turns"):
        held(user, a_session(), Replying("x"), turns=turns)


def test_awaited_it_is_the_same():
    def once(run) -> tuple[Dialogue, list]:
        with po.open_store(":memory:", embedder=HashedWords()) as store:
            user = store.user("p0")
            said = Replying("Take the steak.", "The lentil stew.")
            dialogue = run(an_agent(user), a_session(), NOBODY, RuleUser(), RuleSatisfaction(), lm=said.lm)
            return dialogue, [(item.inputs, item.ground_truth, item.time) for item in user.history()]

    assert once(hold) == once(lambda *arguments, **named: asyncio.run(ahold(*arguments, **named)))


def test_a_state_is_looked_up_filtered_and_added_to():
    shop = Function(
        name="search", description="", parameters='{"properties": {"max_price": {"type": "number"}}}',
        effect="at_most", table="products", key="max_price",
    )  # fmt: skip
    remind = Function(
        name="remind", description="", parameters='{"properties": {"what": {"type": "string"}}, "required": ["what"]}',
        effect="append", table="reminders",
    )  # fmt: skip
    rows = [{"name": "cheap", "price": 5}, {"name": "dear", "price": 50}, "no row"]
    state = {"weather": {"São Paulo": "rain"}, "products": rows, "reminders": []}
    functions = SimulatedFunctions(a_session(functions=[WEATHER, shop, remind], state=json.dumps(state)))
    assert functions.call("get_weather", {"city": " são  paulo"}) == "rain"
    assert "Lima" in functions.call("get_weather", {"city": "Lima"})
    assert functions.call("search", {"max_price": 9.5}) == rows[:1]
    assert functions.call("search", {"max_price": 1}) == "Nothing was found."
    functions.call("remind", {"what": "the plants"})
    assert functions.state["reminders"] == [{"what": "the plants"}]
    for name, arguments in [("remind", {}), ("remind", {"what": 3}), ("search", {}), ("fly", {})]:
        with pytest.raises(ToolError):
            functions.call(name, arguments)
    assert functions.state == {**state, "reminders": [{"what": "the plants"}]}


@pytest.mark.parametrize(
    "parameters", ["no json", "[]", '{"type": "array"}', '{"type": 7}', '{"properties": {"a": 1}}']
)
def test_parameters_that_are_no_schema_are_refused(parameters):
    with pytest.raises(DataError, match="get_weather"):
        SimulatedFunctions(a_session(functions=[WEATHER.model_copy(update={"parameters": parameters})]))


def test_a_call_is_kept_as_the_bench_writes_calls():
    functions = SimulatedFunctions(a_session(functions=[WEATHER]))
    calls, refusals = functions.heard(
        [
            {"tool": "recall", "arguments": {"query": "x"}, "error": ""},
            {"tool": "get_weather", "arguments": {"city": "Porto"}, "error": ""},
        ]
    )
    assert calls == (Call(name="get_weather", arguments='{"city": "Porto"}', exact=[]),)
    assert refusals == ("",)


def test_what_is_recorded_is_read_by_the_optimizers(user):
    agent = an_agent(user)
    held(user, a_session(), Replying("Take the steak.", "The lentil stew."))
    held(user, a_session(id="p0-s001", number=1, time=NOON + DAY), Replying("The lentil stew."))
    turns = read_sessions(user, 3, 9, spoken_fields(agent))
    said = [message.text for message in messages_of(turns, spoken_fields(agent))]
    assert said[1].endswith("I live in Porto.")
    assert said[-1] == "My name is Ada. I live in Porto."
    assert [session_of(turn) for turn in turns] == ["session p0-s000"] * 2 + ["session p0-s001"] * 2
    known = with_truth(agent, None)
    assert [item.ground_truth["reply"] for item in known] == ["The lentil stew."] * 3
    assert [weight_of(item) for item in known] == [1.0, 0.4, 0.4]


def test_an_earlier_turn_is_simulated_without_what_the_user_said_of_it_later(user):
    far = 4_000_000_000.0  # whatever the clock of the machine says
    held(user, a_session(time=far), Replying("Take the steak.", "The lentil stew."))
    first, second = user.history()
    assert [change["time"] for change in first.signals["log"]] == [far + 2 * MINUTE]
    (turn,) = in_conversation(an_agent(user), second).inputs["earlier_turns"]
    assert turn["reply"] == "Take the steak."


@pytest.mark.parametrize("run", [hold, lambda *given, **named: asyncio.run(ahold(*given, **named))])
def test_an_lm_words_the_complaint_and_compares(user, run):
    judged = iter(["False", "True"])

    def reply(said: Said) -> str:
        if "satisfied" in said.last.rpartition("Respond with")[2]:
            return next(judged)
        return "Ich esse kein Fleisch."

    roles = a_role(reply)
    agent = Replying("The steak.", "The lentil stew.")
    profile = NOBODY.model_copy(update={"language": "German"})
    dialogue = run(an_agent(user), a_session(), profile, LMUser(roles), LMSatisfaction(roles), lm=agent.lm)
    assert dialogue.exchanges[1].message == "Ich esse kein Fleisch. My name is Ada. I live in Porto."
    assert (dialogue.utterances, dialogue.notes) == (2, ())
    first, spoken, second = roles.engine.requests
    assert "EXPECTED: names the stew." in first.last
    assert "The steak." in first.last
    assert "German" in spoken.last
    assert "I am vegetarian, so not that." in spoken.last
    assert "The lentil stew." in second.last
    assert "EXPECTED" not in agent.seen


def test_a_complaint_that_does_not_say_the_value_is_asked_for_again(user):
    diet = Held(field="life.diet", value="vegetarian", valid_from=0.0, said=0)
    profile = NOBODY.model_copy(update={"held": [diet]})
    agent = Replying("The steak.", "The lentil stew.")
    # The second attempt asks for JSON.
    said = iter(["[[ ## message ## ]]\nNot that.", '{"message": "No meat: I eat VEGETARIAN food."}'])
    roles = a_role(None)
    roles.engine._text = lambda request: next(said)
    dialogue = hold(an_agent(user), a_session(remarks=[]), profile, LMUser(roles), RuleSatisfaction(), lm=agent.lm)
    assert dialogue.exchanges[1].message == "No meat: I eat VEGETARIAN food."
    assert not dialogue.notes


def test_roles_that_answer_prose_are_asked_again_and_then_stood_in_for_by_rule(user):
    roles = a_role(lambda said: "" if "message" in said.last.rpartition("Respond with")[2] else "Who can tell?")
    agent = Replying("The steak.", "The lentil stew.")
    dialogue = hold(an_agent(user), a_session(), NOBODY, LMUser(roles), LMSatisfaction(roles), lm=agent.lm)
    assert dialogue.exchanges[1].message.startswith("I am vegetarian, so not that.")
    assert [note.partition(" gave nothing usable")[0] for note in dialogue.notes] == [
        "The satisfaction check",
        "The simulated user",
        "The satisfaction check",
    ]
    assert dialogue.satisfied
    assert len(roles.engine.requests) == 9
    assert Dialogue.from_dict(json.loads(json.dumps(dialogue.to_dict()))) == dialogue


def test_a_role_that_cannot_be_reached_ends_the_session_with_an_error(user):
    def gone(said: Said) -> str:
        raise ConnectionError("no route to host")

    with pytest.raises(ModelError, match="satisfaction check cannot be reached"):
        hold(
            an_agent(user),
            a_session(),
            NOBODY,
            RuleUser(),
            LMSatisfaction(a_role(gone)),
            lm=Replying("The steak.").lm,
        )


def test_an_agent_whose_reply_cannot_be_read_is_complained_about_and_what_the_user_said_is_kept(user):
    lm = Replying("The lentil stew.").lm
    read = lm.engine._text
    lm.engine._text = lambda request: read(request) if len(request.messages) > 1 else "mumble"
    dialogue = hold(an_agent(user), a_session(), NOBODY, RuleUser(), RuleSatisfaction(), lm=lm)
    assert dialogue.first.reply == ""
    assert "agent gave nothing usable" in dialogue.notes[0]
    assert dialogue.exchanges[1].reply == "The lentil stew."
    unanswered, answered = user.history()
    assert unanswered.inputs["message"] == dialogue.first.message
    assert not unanswered.response
    assert answered.ground_truth == {"reply": "The lentil stew."}


def test_sessions_are_held_once_and_in_order(user):
    session = a_session()
    held(user, session, Replying("The lentil stew."))
    for again in (session, a_session(id="p0-s009", time=NOON - DAY)):
        with pytest.raises(DataError, match="order of time"):
            held(user, again, Replying("The lentil stew."))


@pytest.mark.parametrize("task", ["question -> reply", "message, place -> reply", "message -> answer"])
def test_an_agent_that_cannot_be_talked_to_is_refused(user, task):
    agent = po.PersonaAgent(task, user=user, retrieve=0)
    with pytest.raises(ConfigurationError, match="AssistUser"):
        hold(agent, a_session(), NOBODY, RuleUser(), RuleSatisfaction(), lm=Replying("x").lm)


def test_a_session_without_checks_takes_any_reply_and_complains_with_its_query(user):
    session = a_session(checks=[], remarks=[])
    assert held(user, session, Replying("Whatever.")).utterances == 1
    exchange = Dialogue.from_dict(
        {"session": "", "exchanges": [{"message": "", "reply": "", "calls": [], "refusals": []}], "closing": ""}
    ).first
    assert RuleUser().answer(session, NOBODY, [exchange]).now(always) == "What do I take?"


def test_a_slip_waits_until_the_end_where_the_complaint_says_the_truth(user):
    slip = Remark(kind="false", field="life.diet", value="vegan", text="I am vegan.")
    dialogue = held(user, a_session(remarks=[slip, *REMARKS]), Replying("The steak.", "The lentil stew."))
    assert "vegan" not in dialogue.exchanges[1].message
    assert dialogue.closing == "I am vegan."


def test_a_whole_bench_is_held_and_the_one_who_knows_everything_is_always_right(tmp_path):
    generate(tmp_path, OfflineBackend(), Size(personas=2, sessions=12, seed=5))
    bench = load_bench(tmp_path)
    said: list[str] = []
    for profile in bench.profiles.values():
        with po.open_store(":memory:", embedder=HashedWords()) as store:
            user = store.user(profile.id)
            for session in bench.of(profile.id):
                dialogue = held_by_rule(user, session, profile)
                assert dialogue.utterances == 1, session
                said.append(dialogue.closing)
                assert all(remark.text in dialogue.closing for remark in session.remarks)
            assert {item.time - item.time % DAY for item in user.history()} >= {t - t % DAY for t in profile.sessions}
    assert any(said)


def held_by_rule(user, session: Session, profile: Profile) -> Dialogue:
    calls = [{"tool": call.name, "arguments": json.loads(call.arguments)} for call in session.calls]
    said = Replying(right_reply(session.checks), calls=[calls])
    return hold(an_agent(user), session, profile, RuleUser(), RuleSatisfaction(), lm=said.lm)


def right_reply(checks: list[Check]) -> str:
    """A reply that passes: by name, or in the form that is wanted."""
    forms = {
        "bullets": "- one\n- two", "numbers": "1. one\n2. two", "table": "| a | b |\n| 1 | 2 |", "paragraph": "A text.",
        "brief": "Short.", "thorough": "word " * 95, "example": "For example, this.", "question": "Which one? This.",
    }  # fmt: skip
    return "\n".join(forms[c.accepted[0]] if c.kind == "form" else c.accepted[0] for c in checks)


@pytest.mark.local_model
def test_the_local_model_holds_a_session_in_every_role(user, local_lm):
    session = a_session(functions=[WEATHER], state=json.dumps({"weather": {"Porto": "sun"}}), remarks=REMARKS[:1])
    dialogue = hold(an_agent(user), session, NOBODY, LMUser(local_lm), LMSatisfaction(local_lm), lm=local_lm, turns=2)
    assert 1 <= len(dialogue.exchanges) <= 2
    assert dialogue.first.reply
    assert sum(turn.inputs["message"].count("My name is Ada.") for turn in user.history()) == 1
