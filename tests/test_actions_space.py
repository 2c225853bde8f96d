"""The action space: who may call what, which arguments fit, what the user's own memory gives, and what ends a call."""

from __future__ import annotations

import asyncio
import datetime
import enum
import sys
import threading
import time
import uuid
from typing import Any, Literal

import dspy
import pydantic
import pytest
from hashed_words import HashedWords

import personaopt as po
from personaopt.actions.calling import MOST_NESTED, MOST_UNDER_WAY
from personaopt.actions.own_memory import MOST_FOUND, Moment
from personaopt.actions.records import LONGEST_RESULT
from personaopt.actions.space import ActionSpace
from personaopt.agent import PersonaAgent
from personaopt.lm.driving import adrive, drive
from personaopt.memory.consolidation import Observation
from personaopt.signatures.act import ToolCall

LOOKED_AT: list[Any] = []


class Watched(pydantic.BaseModel):
    """An argument that notices when it is made."""

    word: str

    @pydantic.field_validator("word")
    @classmethod
    def seen(cls, word: str) -> str:
        LOOKED_AT.append(word)
        return word


def look_up(word: str, times: int = 1) -> str:
    """Look a word up.

    Longer explanations are not shown to a policy.
    """
    return f"{word}!" * times


def watched(what: Watched) -> str:
    """See what is given."""
    return what.word


@pytest.fixture
def user():
    with po.open_store(":memory:", embedder=HashedWords()) as store:
        user = store.user("u")
        for number, place in enumerate(("the lake", "the station", "the lake house", "work")):
            user.record(
                po.Interaction(
                    {"message": f"Can we meet at {place}?"},
                    ground_truth={"reply": f"Yes, at {place}."},
                    time=86_400.0 * number,
                    session="even" if number % 2 == 0 else "odd",
                    id=f"i{number}",
                )
            )
        user.record(
            po.Interaction({"message": "the lake"}, response={"reply": "by the agent"}, time=9e6, id="unanswered")
        )
        yield user


def agent_of(user: Any, *tools: Any, **options: Any) -> PersonaAgent:
    return PersonaAgent("message -> reply", user=user, tools=tools, **options)


def acted(space: ActionSpace, name: str, arguments: dict[str, Any] | None = None, *, awaited: bool = False) -> Any:
    """What a policy's call gives; by both roads the same."""

    def steps() -> Any:
        ask = space.ask(ToolCall(tool=name, arguments=arguments or {}), Moment(space.user, po.Persona()))
        return (yield [ask])[0]

    return asyncio.run(adrive(steps(), threads=1)) if awaited else drive(steps(), threads=1)


def test_who_may_call_what(user):
    agent = agent_of(user, look_up, watched, allow_tools_for_all=["watched"])
    other = agent_of(user.store.user("other"), look_up, watched)
    assert agent.available_tools() == ["recall", "profile", "recent", "watched"]
    assert other.available_tools() == ["recall", "profile", "recent"]
    user.allow_tools("look_up")
    assert agent.available_tools() == ["recall", "profile", "recent", "look_up", "watched"]
    assert other.available_tools() == ["recall", "profile", "recent"]
    assert agent.call_tool("look_up", word="tea") == "tea!"
    user.forbid_tools("look_up")
    with pytest.raises(
        po.ToolNotAllowed, match="not allowed for user 'u'; available are recall, profile, recent, watched"
    ):
        agent.call_tool("look_up", word="tea")
    with pytest.raises(po.ToolNotAllowed, match="no tool named 'nothing'"):
        agent.call_tool("nothing")
    bare = agent_of(user, memory_tools=False)
    assert bare.available_tools() == []
    with pytest.raises(po.ToolNotAllowed, match="available are none"):
        bare.call_tool("recall", keywords="x")


def test_permission_is_decided_before_arguments_are_looked_at(user):
    agent = agent_of(user, watched)
    LOOKED_AT.clear()
    with pytest.raises(po.ToolNotAllowed):
        agent.call_tool("watched", what={"word": "secret"}, nonsense=1)
    assert "not allowed" in acted(agent.actions, "watched", {"what": {"word": "secret"}}).record.error
    assert LOOKED_AT == []
    user.allow_tools("watched")
    assert agent.call_tool("watched", what={"word": "secret"}) == "secret"
    assert "secret" in LOOKED_AT


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"wrd": "x"}, "has no argument 'wrd'; it takes word, times"),
        ({}, "needs the argument 'word'"),
        ({"word": "x", "times": "many"}, "argument 'times' of the tool 'look_up' does not fit"),
        ({"word": ["x"]}, "argument 'word' of the tool 'look_up' does not fit"),
    ],
)
def test_arguments_that_do_not_fit(user, arguments, said):
    user.allow_tools("look_up")
    agent = agent_of(user, look_up)
    with pytest.raises(po.ToolError) as caught:
        agent.call_tool("look_up", **arguments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    record = acted(agent.actions, "look_up", arguments).record
    assert (record.error, record.result) == (str(caught.value), "")


def test_arguments_are_converted(user):
    user.allow_tools("look_up", "choose", "gather_up")

    def choose(which: Literal["a", "b"] = "a") -> str:
        """Choose."""
        return which

    def gather_up(first: int, **others: int) -> int:
        """Add up."""
        return first + sum(others.values())

    agent = agent_of(user, look_up, choose, gather_up)
    assert agent.call_tool("look_up", word="x", times="2") == "x!x!"
    assert agent.call_tool("choose") == agent.call_tool("choose", which=None) == "a"
    assert agent.call_tool("gather_up", first=1, second=2) == 3
    with pytest.raises(po.ToolError, match="'which' of the tool 'choose' does not fit"):
        agent.call_tool("choose", which="c")


class Colour(enum.Enum):
    RED = "red"


def kinds(
    day: datetime.date,
    colour: Colour,
    identifier: uuid.UUID,
    pair: tuple[int, str],
    names: set[str],
    what: list[Watched],
    raw: bytes,
) -> list[Any]:
    """Take what JSON does not have."""
    return [day, colour, identifier, pair, names, what, raw]


def test_arguments_are_what_the_hints_say(user):
    user.allow_tools("kinds")
    given = {"colour": "red", "identifier": str(uuid.UUID(int=5)), "pair": [1, "x"], "names": ["a", "b"], "raw": "abc"}
    made = [datetime.date(2026, 3, 1), Colour.RED, uuid.UUID(int=5), (1, "x"), {"a", "b"}, [Watched(word="w")], b"abc"]
    agent = agent_of(user, kinds)
    assert agent.call_tool("kinds", day="2026-03-01", what=[{"word": "w"}], **given) == made
    assert agent.call_tool("kinds", day=made[0], what=made[5], **given) == made
    with pytest.raises(po.ToolError, match="'colour' of the tool 'kinds' does not fit"):
        agent.call_tool("kinds", day="2026-03-01", what=[], **{**given, "colour": "green"})


def test_a_tool_is_described_in_one_line(user):
    described = agent_of(user, look_up).actions.tools["look_up"].described()
    assert described == "look_up(word (string); times (integer, optional)): Look a word up."

    def many(kind: Literal["a", "b"], words: list[str], what: Watched, anything: Any, when: str | None = None) -> str:
        """Take much."""
        return kind

    assert agent_of(user, many).actions.tools["many"].described() == (
        "many(kind (one of a, b); words (list of string); what (object of word string, An argument that notices when "
        "it is made.); anything (any); when (string/null, optional)): Take much."
    )
    own = [tool.described() for tool in agent_of(user).actions.offered(Moment(user, po.Persona()))]
    assert [line.partition("(")[0] for line in own] == ["recall", "profile", "recent"]
    assert all("\n" not in line for line in own)


def yields() -> Any:
    """Yield."""
    yield 1


async def yields_later() -> Any:
    """Yield."""
    yield 1


def by_place(word: str, /) -> str:
    """Take what has no name."""
    return word


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ([look_up, look_up], "two of the tools have it"),
        ([dspy.Tool(look_up, name="recall")], "every agent has that action itself"),
        ([dspy.Tool(look_up, name="respond")], "every agent has that action itself"),
        (["look_up"], "a function or a dspy.Tool"),
        ("look_up", "a list of functions"),
        ([dspy.Tool(look_up, name=" ")], "cannot be used"),
        ([dspy.Tool(look_up, name=" recall")], "spaces around it"),
        ([dspy.Tool(look_up, name="look\nup")], "cannot be seen"),
        ([yields], "it yields values"),
        ([yields_later], "it yields values"),
        ([by_place], "cannot be given by name"),
        ([lambda x: x], None),
    ],
)
def test_what_is_no_tool(user, tools, said):
    if said is None:
        assert PersonaAgent("message -> reply", user=user, tools=tools).available_tools()[:1] == ["recall"]
        return
    with pytest.raises(po.ConfigurationError, match=said):
        PersonaAgent("message -> reply", user=user, tools=tools)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"allow_tools_for_all": ["nothing"]}, "no tool named 'nothing'; it has look_up"),
        ({"tool_timeout": {"nothing": 1.0}}, "no tool named 'nothing'"),
        ({"tool_timeout": 0}, "seconds above 0"),
        ({"max_actions": -1}, "0 or more actions"),
        ({"max_actions": True}, "0 or more actions"),
    ],
)
def test_options_outside_their_range(user, options, said):
    with pytest.raises(po.ConfigurationError, match=said):
        agent_of(user, look_up, **options)


def test_a_task_with_fields_that_actions_need(user):
    with pytest.raises(po.ConfigurationError, match="must not have a field named observations"):
        PersonaAgent("observations -> reply", user=user, tools=[look_up])
    assert PersonaAgent("observations -> reply", user=user, tools=[look_up], max_actions=0).max_actions == 0
    assert agent_of(user).max_actions == 0
    assert agent_of(user, look_up).max_actions == 4


def test_recall_by_keywords_and_filters(user):
    agent = agent_of(user)

    def found(**arguments: Any) -> list[str]:
        return [memory.interaction.id for memory in agent.call_tool("recall", **arguments)]

    assert found(keywords="Can we meet at the lake house?", k=1) == ["i2"]
    assert len(found(keywords="the lake", k=8)) == 4  # and not what no user answered
    assert set(found(keywords="meet", session="odd")) == {"i1", "i3"}
    assert set(found(keywords="meet", since="1970-01-03")) == {"i2", "i3"}
    assert set(found(keywords="meet", until="1970-01-02")) == {"i0", "i1"}
    assert found(keywords="meet", since="1970-01-02", until="1970-01-02T12:00:00+00:00") == ["i1"]
    assert len(found(keywords="meet", k=-5)) == 1
    assert len(found(keywords="meet", k=10**6)) <= MOST_FOUND
    with pytest.raises(po.ToolError, match="ISO 8601"):
        found(keywords="meet", since="last week")
    with pytest.raises(po.ToolError, match="needs keywords"):
        found(keywords=" ")
    assert [m.interaction.id for m in agent.call_tool("recent", k=2)] == ["i3", "i2"]


def test_nothing_from_after_the_question_is_seen(user):
    early = user.interaction("i1")
    moment = Moment(user, po.Persona.from_text("Is brief."), early)
    assert [m.interaction.id for m in moment.recall("the lake house", k=8)] == ["i0"]
    assert [m.interaction.id for m in moment.recent(8)] == ["i0"]
    user.store.observe(user.id, [Observation("Meets at lakes.", ("i0", "i2")), Observation("Is early.", ("i0",), True)])
    assert moment.profile() == "Is early.\nIs brief."
    assert set(Moment(user, po.Persona()).profile().split("\n")) == {"Meets at lakes.", "Is early."}
    assert Moment(user, po.Persona(), user.interaction("i0")).profile() == "Nothing is known of this user yet."


def test_nobody_elses_memory_is_seen(user):
    other = agent_of(user.store.user("other"))
    assert other.call_tool("recall", keywords="the lake") == []
    assert other.call_tool("recent") == []
    assert other.call_tool("profile") == "Nothing is known of this user yet."


def fails() -> str:
    """Fail."""
    raise ValueError("the reason\nis on two lines")


def leaves() -> str:
    """Leave."""
    sys.exit(3)


def huge() -> str:
    """Return a megabyte."""
    return "<b>" + "x" * 1_000_000


def odd() -> Any:
    """Return what is no text."""
    return {"when": threading, "half": "\ud800", "zero": "\x00"}


def circular() -> Any:
    """Return what holds itself."""
    held: list[Any] = []
    held.append(held)
    return held


def deep() -> Any:
    """Return what no parser reads."""
    held: list[Any] = []
    for _ in range(100_000):
        held = [held]
    return held


def bytes_and_keys(keys: bool = False) -> Any:
    """Return what JSON does not have."""
    return {("a", 1): "pair"} if keys else b"caf\xc3\xa9 \xff"


def half() -> str:
    """Fail with what no store keeps."""
    raise ValueError("half \ud800 and zero \x00")


def stops() -> str:
    """Raise what generators end with."""
    raise StopIteration("stop")


async def leaves_later() -> str:
    """Leave."""
    sys.exit(3)


async def cancels_itself() -> str:
    """Be cancelled by nobody."""
    raise asyncio.CancelledError


async def waits(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return "done"


async def stubborn() -> str:
    """Do not let oneself be cancelled."""
    for _ in range(20):
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            continue
    return "done"


def sleeps(seconds: float) -> str:
    """Sleep."""
    time.sleep(seconds)
    return "done"


@pytest.mark.parametrize("awaited", [False, True])
def test_whatever_a_tool_does_is_one_record(user, awaited):
    tools = (fails, leaves, huge, odd, circular, waits, sleeps)
    space = agent_of(user, *tools, allow_tools_for_all=[each.__name__ for each in tools]).actions

    def record(name: str, **arguments: Any) -> Any:
        return acted(space, name, arguments, awaited=awaited)

    assert record("fails").record.error == "The tool 'fails' failed: ValueError: the reason is on two lines."
    assert record("leaves").record.error == "The tool 'leaves' ended with SystemExit."
    long = record("huge")
    assert len(long.record.result) < LONGEST_RESULT + 100
    assert "characters left out" in long.record.result
    assert "&lt;b&gt;" in long.observation
    strange = record("odd")
    assert strange.record.error == ""
    user.record(po.Interaction({"message": "m"}, actions=[strange.record.to_dict(), long.record.to_dict()]))
    assert record("circular").record.result == "[[...]]"
    wrong = record("waits", seconds=float("nan"), more={"\ud800": "\x00"})
    user.record(po.Interaction({"message": "m"}, actions=[wrong.record.to_dict()]))
    assert record("waits", seconds=0.01).record.result == "done"
    assert record("sleeps", seconds=0.01).record.result == "done"
    assert record("sleeps", seconds=0.01).record.seconds >= 0.01
    with pytest.raises(po.ToolError, match="failed: ValueError"):
        space.call("fails", {}, Moment(user, po.Persona()))


@pytest.mark.parametrize("awaited", [False, True])
def test_what_tools_do_to_event_loops_parsers_and_stores(user, awaited):
    tools = (deep, bytes_and_keys, half, stops, leaves_later, cancels_itself)
    space = agent_of(user, *tools, allow_tools_for_all=[each.__name__ for each in tools], tool_timeout=2.0).actions

    def record(name: Any, **arguments: Any) -> Any:
        return acted(space, name, arguments, awaited=awaited).record

    assert "RecursionError" in record("deep").error
    assert record("bytes_and_keys").result == "caf\u00e9 \ufffd"
    assert record("bytes_and_keys", keys=True).result == "{('a', 1): 'pair'}"
    wrong = [record("half"), record("\ud800", word="x" * 2_000_000)]
    assert wrong[0].error == "The tool 'half' failed: ValueError: half ? and zero  ."
    user.record(po.Interaction({"message": "m"}, actions=[each.to_dict() for each in wrong]))
    assert record("stops").error == "The tool 'stops' ended with StopIteration."
    assert record("leaves_later").error == "The tool 'leaves_later' ended with SystemExit."
    assert record("cancels_itself").error == "The tool 'cancels_itself' ended with CancelledError."
    with pytest.raises(po.ToolNotAllowed):
        space.call(["stops"], {}, Moment(user, po.Persona()))  # type: ignore[arg-type]


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("name", ["waits", "sleeps", "stubborn"])
def test_no_tool_is_waited_for_longer_than_its_time(user, awaited, name):
    space = agent_of(user, waits, sleeps, stubborn, allow_tools_for_all=[name], tool_timeout={name: 0.1}).actions
    start = time.monotonic()
    error = acted(space, name, {"seconds": 5.0} if name != "stubborn" else {}, awaited=awaited).record.error
    assert error == f"The tool {name!r} was not done after 0.1 seconds and is not waited for any more."
    if not (awaited and name == "stubborn"):  # asyncio.run itself waits for what does not end
        assert time.monotonic() - start < 4.0


def test_a_tool_that_calls_itself_through_the_agent(user):
    def again() -> str:
        """Call the agent's tool again."""
        return agent.call_tool("again")

    async def asks(question: str) -> str:
        """Ask the agent itself."""
        return str((await agent.acall(message=question)).reply)

    agent = agent_of(user, again, asks, allow_tools_for_all=["again", "asks"])
    with pytest.raises(po.ToolError, match="called itself"):
        agent.call_tool("again")
    assert "called an agent of the user it works for" in acted(agent.actions, "asks", {"question": "x"}).record.error
    assert "called an agent" in acted(agent.actions, "asks", {"question": "x"}, awaited=True).record.error


def test_tools_that_call_one_another_end(user):
    def chain(number: int) -> Any:
        def call() -> str:
            """Call the next."""
            return agent.call_tool(f"tool{number + 1}")

        return dspy.Tool(call, name=f"tool{number}")

    names = [f"tool{number}" for number in range(MOST_NESTED + 2)]
    agent = agent_of(user, *map(chain, range(len(names))), allow_tools_for_all=names)
    with pytest.raises(po.ToolError, match=f"'tool{MOST_NESTED}' was not called: {MOST_NESTED} tools"):
        agent.call_tool("tool0")


def test_calls_that_hang_do_not_pile_up(user):
    free = threading.Event()

    def hangs() -> str:
        """Hang."""
        free.wait(30)
        return "done"

    agent = agent_of(user, hangs, allow_tools_for_all=["hangs"], tool_timeout=0.001)
    for _ in range(MOST_UNDER_WAY):
        with pytest.raises(po.ToolError, match="not done"):
            agent.call_tool("hangs")
    with pytest.raises(po.ToolError, match=f"{MOST_UNDER_WAY} calls of this agent's tools are under way"):
        agent.call_tool("hangs")
    free.set()
    for _ in range(500):
        time.sleep(0.01)
        if not [each for each in threading.enumerate() if each.name == "personaopt-tool-hangs"]:
            break
    assert agent.call_tool("recent", k=1)


def test_dspys_context_is_there_inside_of_tools(user):
    def which() -> str:
        """Say which LM is configured."""
        return str(dspy.settings.lm.model)

    agent = agent_of(user, which, allow_tools_for_all=["which"])
    with dspy.context(lm=dspy.LM("openai/some-model", api_key="x")):
        assert agent.call_tool("which") == "openai/some-model"


def test_what_changes_something_is_not_done_for_earlier_questions(user):
    ordered = []

    def order(what: str) -> str:
        """Order something."""
        ordered.append(what)
        return "ordered"

    agent = agent_of(user, order, allow_tools_for_all=["order"], not_simulated=["order"])
    assert agent.call_tool("order", what="tea") == "ordered"
    past = Moment(user, po.Persona(), user.interaction("i1"), simulated=True)
    assert "order" in [tool.name for tool in agent.actions.offered(past)]
    with pytest.raises(po.ToolNotAllowed, match="not called while an earlier question is simulated"):
        agent.actions.call("order", {"what": "more"}, past)
    assert ordered == ["tea"]


def test_calling_a_tool_awaited(user):
    agent = agent_of(user, waits, sleeps, allow_tools_for_all=["waits"])

    async def both() -> Any:
        with pytest.raises(po.ToolNotAllowed):
            await agent.acall_tool("sleeps", seconds=0.0)
        return await asyncio.gather(*(agent.acall_tool("waits", seconds=0.3) for _ in range(5)))

    start = time.monotonic()
    assert asyncio.run(both()) == ["done"] * 5
    assert time.monotonic() - start < 1.0


def test_a_closed_store_is_said_in_one_sentence(tmp_path):
    with po.open_store(tmp_path / "s.db", embedder=HashedWords()) as store:
        agent = agent_of(store.user("u"), look_up)
    with pytest.raises(po.StoreError, match="is closed"):
        agent.call_tool("recent")
    assert "StoreError" in acted(agent.actions, "recent").record.error
