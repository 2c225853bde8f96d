"""What a session of PersonaBench is measured by without a model: field scores, staleness, calls, what is knowable."""

import dataclasses
import itertools
import json
from random import Random

import pytest

from personaopt.evals.personabench import BenchFields, Call, OfflineBackend, Size, generate, load_bench
from personaopt.evals.personabench.measuring.field_scores import FieldScores, by_field, field_scores, held_values, same
from personaopt.evals.personabench.measuring.made_answers import right_answer, wrong_answer
from personaopt.evals.personabench.measuring.measured import LONGEST_SESSION, is_learnt, measured
from personaopt.evals.personabench.measuring.staleness import staleness
from personaopt.evals.personabench.measuring.telling import Telling
from personaopt.evals.personabench.measuring.tool_scores import tool_scores
from personaopt.evals.personabench.records import depends_on
from personaopt.evals.personabench.simulation.dialogue import Dialogue, Exchange
from personaopt.persona import Persona, Statement

DAY = 86_400.0
NOW = 1_740_000_000.0
ROOM = 10_000
SEEDS = range(40)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    generate(folder, OfflineBackend(), Size(personas=12, sessions=20, seed=3))
    return load_bench(folder)


def fields(**values):
    nested = {}
    for path, value in values.items():
        group, _, name = path.partition("__")
        nested.setdefault(group, {})[name] = value
    return BenchFields.from_dict(nested)


def line(text, field, **times):
    return Statement(text, field=field, id=f"{field} {text} {sorted(times.items())}", **times)


def persona(*statements):
    return Persona(tuple(statements), ROOM)


def counts(scores):
    return scores.right, scores.wrong, scores.missing


class TestFieldScores:
    GOLDEN = fields(
        life__home="Porto",
        life__budget=60,
        preference__formats=["a table"],
        personality__interests=["chess", "old maps"],
        personality__extraversion="E",
        pattern__emotion="calm",
    )

    def test_precision_recall_and_f1_are_those_of_the_counts(self):
        scores = FieldScores(right=6, wrong=2, missing=4)
        assert (scores.precision, scores.recall) == (0.75, 0.6)
        assert scores.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))

    def test_nothing_to_measure_is_no_number(self):
        nothing = field_scores(persona(), BenchFields())
        assert (nothing.precision, nothing.recall, nothing.f1) == (None, None, None)
        empty = field_scores(persona(), self.GOLDEN)
        assert (empty.precision, empty.recall, empty.f1) == (None, 0.0, 0.0)
        invented = field_scores(persona(line("Lives in: Porto", "life.home")), BenchFields())
        assert (invented.precision, invented.recall, invented.f1) == (0.0, None, 0.0)

    @pytest.mark.parametrize(
        ("text", "field", "right"),
        [
            ("Lives in: Porto", "life.home", True),
            ("Lives in: PORTO", "life.home", True),
            ("Lives in:  porto ", "life.home", True),
            ("Porto", "life.home", True),
            ("Lives in: Ｐorto", "life.home", True),  # a full-width letter is the same letter
            ("Lives in: Porto, Portugal", "life.home", False),
            ("Lives in: Oporto", "life.home", False),
            ("Lives in: not Porto", "life.home", False),
            ("Resides in: Porto", "life.home", False),
            ("Prefers the format: table", "preference.formats", True),
            ("Prefers the format: the Table", "preference.formats", True),
            ("Prefers the format: tables", "preference.formats", False),
            ("Prefers the format: a grid", "preference.formats", False),
            ("Budget for a purchase in euros: 60", "life.budget", True),
            ("Budget for a purchase in euros: 60.0", "life.budget", True),
            ("Budget for a purchase in euros: 60 euros", "life.budget", False),
            ("Budget for a purchase in euros: sixty", "life.budget", False),
            ("Budget for a purchase in euros: 600", "life.budget", False),
            ("Extraversion or introversion: E", "personality.extraversion", True),
            ("Extraversion or introversion: e", "personality.extraversion", True),
            ("Extraversion or introversion: extravert", "personality.extraversion", False),
            ("Is interested in: chess and old maps", "personality.interests", False),
            ("Lives in: Porto", "preference.formats", False),  # right words, wrong field
            ("Lives in: Porto", "life.address", False),  # a field that there is not
        ],
    )
    def test_when_two_values_are_the_same(self, text, field, right):
        scores = field_scores(persona(line(text, field)), self.GOLDEN)
        assert (scores.right, scores.wrong) == ((1, 0) if right else (0, 1))
        assert scores.right + scores.missing == 7

    def test_free_lines_are_neither_right_nor_wrong(self):
        assert counts(field_scores(persona(Statement("Lives in: Porto"), Statement("Is rude.")), self.GOLDEN)) == (
            0,
            0,
            7,
        )

    def test_what_is_shown_as_past_does_not_count_as_held(self):
        past = line("Lives in: Porto (until 2025-01-01)", "life.home", valid_to=NOW - DAY)
        assert counts(field_scores(persona(past), self.GOLDEN, at=NOW)) == (0, 0, 7)
        assert counts(field_scores(persona(past), self.GOLDEN)) == (0, 0, 7)
        assert counts(field_scores(persona(past), fields(life__home="Cork"), at=NOW)) == (0, 0, 1)

    def test_the_moment_at_which_a_value_ends_is_past(self):
        ends = line("Lives in: Porto (until 2025-02-19)", "life.home", valid_to=NOW)
        assert counts(field_scores(persona(ends), fields(life__home="Porto"), at=NOW)) == (0, 0, 1)
        assert counts(field_scores(persona(ends), fields(life__home="Porto"), at=NOW - 1)) == (1, 0, 0)

    def test_a_mood_stands_in_the_place_of_what_lasts(self):
        lasting = line("Feels: calm", "pattern.emotion")
        mood = line("Feels: angry (until 2025-02-25)", "pattern.emotion", valid_from=NOW, valid_to=NOW + 5 * DAY)
        held = persona(lasting, mood)
        assert counts(field_scores(held, fields(pattern__emotion="angry"), at=NOW)) == (1, 0, 0)
        assert counts(field_scores(held, fields(pattern__emotion="calm"), at=NOW)) == (0, 1, 1)
        assert counts(field_scores(held, fields(pattern__emotion="calm"), at=NOW + 6 * DAY)) == (1, 0, 0)
        assert counts(field_scores(held, fields(pattern__emotion="angry"), at=NOW + 6 * DAY)) == (0, 1, 1)

    def test_two_lasting_values_of_one_field_are_both_held(self):
        torn = persona(line("Lives in: Porto", "life.home"), line("Lives in: Cork", "life.home"))
        assert counts(field_scores(torn, fields(life__home="Porto"))) == (1, 1, 0)

    def test_items_of_a_list_count_one_by_one_and_in_any_order(self):
        golden = fields(personality__interests=["chess", "old maps", "jazz"])
        items = [line(f"Is interested in: {each}", "personality.interests") for each in ("jazz", "opera", "chess")]
        assert counts(field_scores(persona(*items), golden)) == (2, 1, 1)
        assert field_scores(persona(*items), golden) == field_scores(persona(*items[::-1]), golden)

    def test_a_value_held_twice_counts_once(self):
        twice = persona(
            line("Is interested in: chess", "personality.interests"), line("chess", "personality.interests")
        )
        assert counts(field_scores(twice, fields(personality__interests=["chess"]))) == (1, 0, 0)

    def test_what_could_not_be_known_is_neither_missing_nor_wrong(self):
        said = fields(life__home="Porto")
        guessed = persona(line("Budget for a purchase in euros: 60", "life.budget"))
        assert counts(field_scores(guessed, self.GOLDEN, said=said)) == (0, 0, 1)
        wrong = persona(line("Budget for a purchase in euros: 15", "life.budget"))
        assert counts(field_scores(wrong, self.GOLDEN, said=said)) == (0, 1, 1)
        assert counts(field_scores(wrong, self.GOLDEN, said=said, unclear=["life.budget"])) == (0, 0, 1)

    def test_the_parts_are_the_whole(self):
        held = persona(line("Lives in: Cork", "life.home"), line("Is interested in: chess", "personality.interests"))
        parts = by_field(held, self.GOLDEN)
        assert sum(parts.values(), FieldScores()) == field_scores(held, self.GOLDEN)
        assert counts(parts["life.home"]) == (0, 1, 1)
        assert counts(parts["personality.interests"]) == (1, 0, 1)


class TestFieldScoresOfLives:
    """Properties that hold for every persona and every damage that is done to it."""

    @pytest.fixture(params=SEEDS)
    def drawn(self, request, bench):
        draw = Random(request.param)
        profile = bench.profiles[draw.choice(sorted(bench.profiles))]
        time = draw.choice(profile.sessions)
        return draw, profile, time, list(profile.persona_at(time, token_limit=ROOM).statements)

    def test_the_golden_persona_is_all_right_in_any_order_and_case(self, drawn):
        draw, profile, time, statements = drawn
        draw.shuffle(statements)
        loud = [dataclasses.replace(each, text=_shouted(each.text), id="") for each in statements]
        for held in (statements, loud):
            scores = field_scores(persona(*held), profile.fields_at(time), at=time)
            assert counts(scores) == (len(statements), 0, 0)

    def test_a_value_less_is_one_missing(self, drawn):
        draw, profile, time, statements = drawn
        del statements[draw.randrange(len(statements))]
        assert counts(field_scores(persona(*statements), profile.fields_at(time), at=time)) == (len(statements), 0, 1)

    def test_another_value_is_one_wrong_and_one_missing(self, drawn):
        draw, profile, time, statements = drawn
        place = draw.randrange(len(statements))
        title = BenchFields.slots()[statements[place].field].title
        statements[place] = dataclasses.replace(statements[place], text=f"{title}: 104 somethings else", id="")
        expected = (len(statements) - 1, 1, 1)
        assert counts(field_scores(persona(*statements), profile.fields_at(time), at=time)) == expected

    def test_an_invented_value_more_is_one_wrong(self, drawn):
        _, profile, time, statements = drawn
        statements.append(line("Is interested in: nothing at all", "personality.interests"))
        expected = (len(statements) - 1, 1, 0)
        assert counts(field_scores(persona(*statements), profile.fields_at(time), at=time)) == expected

    def test_a_past_beside_it_changes_nothing(self, drawn):
        draw, profile, time, statements = drawn
        for held in profile.superseded_at(time):
            title = BenchFields.slots()[held.field].title
            text = f"{title}: {held.value} (until 2025-01-01)"
            statements.insert(draw.randrange(len(statements)), line(text, held.field, valid_to=held.valid_to))
        held = persona(*statements)
        assert field_scores(held, profile.fields_at(time), at=time).f1 == 1.0
        assert held_values(held, time) == held_values(profile.persona_at(time, token_limit=ROOM), time)

    def test_someone_elses_persona_is_mostly_wrong(self, drawn, bench):
        draw, profile, time, _ = drawn
        other = bench.profiles[draw.choice(sorted(set(bench.profiles) - {profile.id}))]
        scores = field_scores(other.persona_at(time, token_limit=ROOM), profile.fields_at(time), at=time)
        assert scores.f1 < 0.6
        assert scores.right + scores.missing == len(profile.held_at(time))


def test_no_two_values_of_the_bench_are_taken_for_the_same(bench):
    from personaopt.evals.personabench.english.attributes import VALUES_OF

    for path, values in VALUES_OF.items():
        assert len({same(value) for value in values}) == len(values), path


class TestTelling:
    def test_what_is_said_agrees_with_the_remarks(self, bench):
        for profile in bench.profiles.values():
            sessions = bench.of(profile.id)
            telling = Telling.of(profile, sessions)
            told = set()
            for session in sessions:
                told |= {(each.field, same(each.value)) for each in session.remarks if each.kind not in ("false",)}
                said = telling.said_fields(session)
                held = {
                    (path, same(str(one)))
                    for path, value in said.values().items()
                    for one in (value if isinstance(value, list) else [value])
                }
                assert held <= told
                assert all(
                    said.values()[path] == profile.fields_at(session.time).values()[path] for path in _scalars(said)
                )

    def test_a_session_left_out_says_it_in_the_next(self, bench):
        profile = next(iter(bench.profiles.values()))
        event = next(each for each in profile.events if each.kind == "change" and each.session < 18)
        kept = [each for each in bench.of(profile.id) if each.number != event.session]
        all_of_them, without = Telling.of(profile, bench.of(profile.id)), Telling.of(profile, kept)
        following = next(each for each in kept if each.number == event.session + 1)
        assert all_of_them.is_knowable(following, event.field) or event.field in all_of_them.unclear(following)
        assert not without.is_knowable(following, event.field)
        assert without.since_change(following) == 0

    def test_sessions_are_counted_from_the_last_lasting_change(self, bench):
        for profile in bench.profiles.values():
            telling = Telling.of(profile, bench.of(profile.id))
            changes = [each.session for each in profile.events if each.kind in ("change", "return")]
            for session in bench.of(profile.id):
                before = [each for each in changes if each <= session.number]
                assert telling.since_change(session) == (session.number - max(before) if before else None)

    def test_a_false_word_hides_the_truth_until_it_is_taken_back(self, bench):
        found = 0
        for profile in bench.profiles.values():
            telling = Telling.of(profile, bench.of(profile.id))
            for event in (each for each in profile.events if each.kind == "false" and each.ends_session is not None):
                for session in bench.of(profile.id):
                    misled = event.session <= session.number < event.ends_session
                    assert (event.field in telling.unclear(session)) == misled
                    if event.session < session.number <= event.ends_session:
                        assert not telling.is_knowable(session, event.field)
                        found += 1
        assert found

    def test_nothing_is_knowable_before_it_is_said(self, bench):
        for profile in bench.profiles.values():
            telling = Telling.of(profile, bench.of(profile.id))
            told = set()
            for session in bench.of(profile.id):
                if telling.knowable(session):
                    assert set(depends_on(session.checks)) <= told
                told |= {each.field for each in session.remarks}


class TestStaleness:
    def test_right_replies_never_are_and_outdated_ones_are_where_they_could_be_avoided(self, bench):
        risky = 0
        for profile in bench.profiles.values():
            telling = Telling.of(profile, bench.of(profile.id))
            for session in bench.of(profile.id):
                outdated = wrong_answer(session)  # what was right earlier comes first
                right = staleness(session, right_answer(session), telling)
                assert not right.stale
                if outdated is None:
                    continue
                found = staleness(session, outdated, telling)
                knows = all(telling.is_knowable(session, each.field) for each in session.checks)
                assert found.at_risk == right.at_risk == (bool(session.checks[0].stale) and knows)
                assert found.stale == found.at_risk
                risky += found.at_risk
        assert risky > 20

    def test_a_reply_that_is_wrong_in_another_way_is_not_stale(self, bench):
        profile = next(iter(bench.profiles.values()))
        telling = Telling.of(profile, bench.of(profile.id))
        for session in (each for each in bench.of(profile.id) if each.checks[0].kind != "form"):
            assert not staleness(session, Exchange("?", "I cannot say."), telling).stale
            assert not staleness(session, Exchange("?", ""), telling).stale

    def test_a_refused_call_is_not_an_answer(self, bench):
        for profile in bench.profiles.values():
            telling = Telling.of(profile, bench.of(profile.id))
            for session in bench.of(profile.id):
                outdated = wrong_answer(session)
                if outdated and outdated.calls and staleness(session, outdated, telling).stale:
                    refused = dataclasses.replace(outdated, refusals=("no such city",) * len(outdated.calls))
                    assert not staleness(session, refused, telling).stale
                    return
        pytest.fail("no session is about a call at risk")


class TestToolScores:
    @pytest.fixture
    def reminder(self, bench):
        return next(each for each in bench.sessions if any(call.name == "set_reminder" for call in each.calls))

    @pytest.fixture
    def search(self, bench):
        return next(each for each in bench.sessions if any(call.name == "search_products" for call in each.calls))

    def made(self, *calls, refusals=()):
        return Exchange("?", "Done.", calls, refusals or ("",) * len(calls))

    def test_all_right_calls_are_right(self, bench):
        for session in bench.sessions:
            scores = tool_scores(session, right_answer(session))
            assert (scores.expected, scores.right, scores.refused) == (len(session.calls), len(session.calls), 0)

    def test_wrong_arguments_are_not(self, bench):
        for session in (each for each in bench.sessions if each.calls):
            scores = tool_scores(session, wrong_answer(session))
            assert (scores.expected, scores.right) == (1, 0)

    def test_arguments_that_may_be_worded_freely_may(self, reminder):
        call = reminder.calls[0]
        free = json.loads(call.arguments) | {"what": "something else"}
        assert tool_scores(reminder, self.made(call.model_copy(update={"arguments": json.dumps(free)}))).right == 1

    def test_who_books_everything_books_nothing_right(self, reminder, search):
        for session, right in ((reminder, 0), (search, 1)):  # looking up twice does no harm
            call, other = session.calls[0], wrong_answer(session).calls[0]
            assert tool_scores(session, self.made(other, call)).right == right
            assert tool_scores(session, self.made(call, call)).right == 1

    def test_of_what_is_looked_up_the_latest_counts(self, search):
        call, other = search.calls[0], wrong_answer(search).calls[0]
        assert tool_scores(search, self.made(call, other)).right == 0  # who tries everything does not know
        both = search.model_copy(update={"calls": [call, other.model_copy(update={"exact": call.exact})]})
        assert tool_scores(both, self.made(call, other)).right == 2
        assert tool_scores(both, self.made(call, other, other)).right == 1

    def test_two_bookings_that_are_both_expected_are_right(self, reminder):
        call, other = reminder.calls[0], wrong_answer(reminder).calls[0]
        both = reminder.model_copy(update={"calls": [call, other.model_copy(update={"exact": call.exact})]})
        assert tool_scores(both, self.made(other, call)).right == 2
        assert tool_scores(both, self.made(call)).right == 1
        assert tool_scores(reminder, self.made(other, call)).right == 0

    def test_refused_calls_are_counted_and_not_right(self, search):
        call = search.calls[0]
        scores = tool_scores(search, self.made(call, call, refusals=("max_price is no number", "")))
        assert (scores.expected, scores.right, scores.refused) == (1, 1, 1)
        scores = tool_scores(search, self.made(call, refusals=("max_price is no number",)))
        assert (scores.right, scores.refused) == (0, 1)

    def test_no_call_and_garbage(self, search):
        assert tool_scores(search, Exchange("?", "For 120 euros.")).right == 0
        odd = Call(name=search.calls[0].name, arguments="not json", exact=[])
        assert tool_scores(search, self.made(odd)).right == 0


class TestMeasured:
    def test_golden_persona_and_right_replies_measure_as_perfect(self, bench):
        for profile in bench.profiles.values():
            telling = Telling.of(profile, bench.of(profile.id))
            for session in bench.of(profile.id):
                dialogue = Dialogue(session.id, (right_answer(session),))
                found = measured(telling, session, dialogue, profile.persona_at(session.time))
                assert found.learnt.f1 == 1.0
                assert found.learnt_said.f1 in (1.0, None)
                assert (found.stale, found.calls_right) == (False, found.calls_expected)
                assert not found.at_risk or found.knowable

    def test_a_persona_a_change_behind_is_wrong_there(self, bench):
        behind = 0
        for profile in bench.profiles.values():
            sessions = bench.of(profile.id)
            telling = Telling.of(profile, sessions)
            for earlier, session in itertools.pairwise(sessions):
                dialogue = Dialogue(session.id, (right_answer(session),))
                late = measured(telling, session, dialogue, profile.persona_at(earlier.time))
                changed = profile.values_at(earlier.time) != profile.values_at(session.time)
                assert (late.learnt.f1 < 1.0) == changed
                behind += changed
        assert behind > 30

    def test_two_sessions_after_a_change_it_is_held_or_not(self, bench):
        changes = 0
        for profile in bench.profiles.values():
            sessions = bench.of(profile.id)
            telling = Telling.of(profile, sessions)
            for place, session in enumerate(sessions):
                dialogue = Dialogue(session.id, (right_answer(session),))
                due = telling.changes(session)
                assert all(telling.session_of(event.session) == sessions[place - 2].number for event in due)
                found = measured(telling, session, dialogue, profile.persona_at(session.time))
                assert found.changes_said == found.changes_learnt == len(due)
                for event in due:
                    title = BenchFields.slots()[event.field].title
                    new, old = (line(f"{title}: {each}", event.field) for each in (event.new, event.old))
                    for held, learnt in ((persona(), False), (persona(new), True), (persona(old), False)):
                        assert is_learnt(event, held, session.time) == learnt
                    both = persona(new, old) if event.old else persona(new)
                    assert is_learnt(event, both, session.time) != bool(event.old)
                changes += len(due)
        assert changes > 30

    def test_what_is_learnt_in_a_session_counts_after_it(self, bench):
        profile = next(iter(bench.profiles.values()))
        session = bench.of(profile.id)[5]
        telling = Telling.of(profile, bench.of(profile.id))
        minutes = [
            dataclasses.replace(each, valid_from=session.time + 300)
            for each in profile.persona_at(session.time).statements
        ]
        ended = line("Lives in: Atlantis (until 2025-01-01)", "life.home", valid_to=session.time + 300)
        dialogue = Dialogue(session.id, (right_answer(session),))
        found = measured(telling, session, dialogue, persona(*minutes, ended))
        assert found.learnt.f1 == 1.0

    def test_a_method_without_a_persona_has_no_field_scores(self, bench):
        session = bench.sessions[0]
        telling = Telling.of(bench.profiles[session.persona], bench.of(session.persona))
        found = measured(telling, session, Dialogue(session.id, (right_answer(session),)), None)
        assert (found.learnt, found.learnt_said) == (None, None)

    def test_nothing_happens_while_a_session_lasts(self, bench):
        for profile in bench.profiles.values():
            for begun in profile.sessions:
                assert profile.values_at(begun) == profile.values_at(begun + LONGEST_SESSION)


def _shouted(text):
    title, _, value = text.partition(": ")
    return f"{title}:   {value.upper()}"


def _scalars(said):
    return [path for path, value in said.values().items() if not isinstance(value, list)]
