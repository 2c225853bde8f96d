import copy
import itertools
import pickle
import subprocess
import sys
import threading

import dspy
import numpy as np
import pytest
from hashed_words import HashedWords

from personaopt.errors import ConfigurationError, DataError, ModelError
from personaopt.interaction import Interaction
from personaopt.memory import CallableEmbedder, Embedder, Memory, local_embedder, open_store
from personaopt.memory.embedding import unit_rows
from personaopt.memory.episodic import EpisodicSearch
from personaopt.memory.index import ranked
from personaopt.memory.store import BY_SIMILARITY, EVERYTHING

WORDS = [
    "tea",
    "coffee",
    "film",
    "comedy",
    "drama",
    "rain",
    "sun",
    "train",
    "paris",
    "rome",
    "soup",
    "bread",
    "jazz",
    "rock",
    "dog",
    "cat",
    "red",
    "old",
]


def said(text, **values):
    return Interaction({"text": text}, **values)


def sentences(count, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size=5)) for _ in range(count)]


def brute_force(user, query, k, *, allowed=lambda item: True):
    """The same answer, by comparing all pairs in Python."""
    embed = HashedWords()
    history = [item for item in user.history() if allowed(item)]
    similarities = (embed([item.query_text() for item in history]) @ embed([query])[0]).tolist()
    order = sorted(range(len(history)), key=lambda i: -similarities[i])
    groups = []
    for i in order:
        if groups and similarities[groups[-1][-1]] - similarities[i] < 1e-6:
            groups[-1].append(i)
        else:
            groups.append([i])
    newest_first = [i for group in groups for i in sorted(group, reverse=True)]
    return [(history[i].id, pytest.approx(similarities[i], abs=1e-5)) for i in newest_first[:k]]


def answers(memories):
    return [(memory.interaction.id, memory.similarity) for memory in memories]


def test_the_nearest_come_first(store):
    user = store.user("u")
    user.record([said("tea and bread", id="a"), said("jazz in rome", id="b"), said("tea with bread", id="c")])
    found = user.search("tea and bread", 2)
    assert [memory.interaction.id for memory in found] == ["a", "c"]
    assert found[0].similarity == pytest.approx(1.0, abs=1e-5)
    assert isinstance(found[0], Memory)
    assert found[0].interaction == user.interaction("a")


def test_search_is_exact(store):
    user = store.user("u")
    # Few words and coarse times: many equal texts and equal times, so that ties are everywhere.
    times = np.random.default_rng(1).integers(0, 40, size=600)
    user.record([said(text, time=int(when)) for text, when in zip(sentences(600), times, strict=True)])
    for query in sentences(10, seed=2):
        for k in (1, 7, 600, 1000):
            assert answers(user.search(query, k)) == brute_force(user, query, k)


def test_search_before_a_time_or_an_interaction_is_exact(store):
    user = store.user("u")
    times = np.random.default_rng(1).integers(0, 40, size=400)
    user.record([said(text, time=int(when)) for text, when in zip(sentences(400), times, strict=True)])
    history = user.history()
    for query, position in zip(sentences(8, seed=3), (0, 1, 2, 50, 199, 200, 398, 399), strict=True):
        item = history[position]
        earlier = {other.id for other in history[:position]}
        expected = brute_force(user, query, 9, allowed=lambda other, earlier=earlier: other.id in earlier)
        assert answers(user.search(query, 9, before=item)) == expected
        expected = brute_force(user, query, 9, allowed=lambda other, item=item: other.time < item.time)
        assert answers(user.search(query, 9, before=item.time)) == expected


def test_of_equal_ones_the_newest_come_first_even_at_the_end_of_the_list(store):
    user = store.user("u")
    user.record([said("tea", time=n % 10, id=str(n)) for n in range(100)])
    assert [memory.interaction.id for memory in user.search("tea", 3)] == ["99", "89", "79"]
    assert [memory.interaction.id for memory in user.search("tea", 2, before=9)] == ["98", "88"]


def test_ranking():
    similarities = np.array([0.4999995, 0.9, 0.5, 0.4999996])  # three are equal but for the last digit
    order = ranked(similarities, np.array([1.0, 0.0, 2.0, 2.0]), np.array([1, 2, 3, 4]))
    assert order.tolist() == [1, 3, 2, 0]


def test_a_user_with_five_memories_among_thousands_finds_all_five(store):
    texts = sentences(4000)
    for name in range(4):
        store.user(f"crowd {name}").record([said(text) for text in texts[name * 1000 : (name + 1) * 1000]])
    user = store.user("few")
    user.record([said(text, id=f"mine {n}") for n, text in enumerate(sentences(5, seed=9))])
    for name in range(4):
        assert len(store.user(f"crowd {name}").search("tea", 3)) == 3
    found = user.search(texts[0], 5)
    assert {memory.interaction.id for memory in found} == {f"mine {n}" for n in range(5)}
    assert answers(found) == brute_force(user, texts[0], 5)
    mine = {item.query_text() for item in user.history()}
    assert {memory.interaction.query_text() for memory in user.search(texts[0], 99)} == mine
    assert store.user("nobody").search("tea", 5) == []


def test_a_user_whose_id_looks_like_sql_or_a_prefix_is_just_a_user(store):
    for name in ("u", "u%", "u' OR 1=1 --", "U"):
        store.user(name).record(said(f"tea of {name}"))
    for name in ("u", "u%", "u' OR 1=1 --", "U"):
        assert [memory.interaction.query_text() for memory in store.user(name).search("tea", 9)] == [f"tea of {name}"]


def test_what_search_is_built_from_keeps_users_apart(store):
    store.user("u").record(said("tea"))
    store.user("v").record(said("jazz"))
    (mine,) = store.without_vector("u", "e")
    (theirs,) = store.without_vector("v", "e")
    assert list(store.at_numbers("u", [mine, theirs])) == [mine]
    store.add_vectors("u", "e", {mine: b"1234", theirs: b"5678"})
    assert list(store.without_vector("v", "e")) == [theirs]
    assert store.vectors("v", "e") == (0, [])
    total, (entry,) = store.vectors("u", "e")
    assert (total, entry.place.number, entry.vector) == (1, mine, b"1234")
    assert store.vectors("u", "another embedder") == (0, [])


def test_similarities_are_of_all_and_oldest_first(store):
    user = store.user("u")
    user.record([said(text, time=-n) for n, text in enumerate(sentences(30))])
    found = user.similarities("tea film")
    assert [memory.interaction for memory in found] == user.history()
    assert sorted(answers(found)) == sorted(brute_force(user, "tea film", 30))
    middle = user.history()[10]
    assert [memory.interaction for memory in user.similarities("tea", before=middle)] == user.history(before=middle)


def test_nothing_asked_is_nothing_given_and_nothing_embedded(store):
    user = store.user("u")
    assert user.search("tea", 3) == user.similarities("tea") == []
    user.record(said("tea", time=5))
    assert user.search("tea", 0) == user.search("tea", -2) == []
    assert store.embedder.texts == []
    assert user.search("tea", 3, before=5) == []


@pytest.mark.parametrize(
    ("query", "k"), [(None, 3), (b"tea", 3), ("tea", "3"), ("tea", 2.0), ("tea", True), ("tea", None)]
)
def test_wrong_questions(store, query, k):
    store.user("u").record(said("tea"))
    with pytest.raises(DataError):
        store.user("u").search(query, k)


def test_texts_are_embedded_once_and_in_bulk(address):
    embedder = HashedWords()
    with open_store(address, embedder=embedder) as store:
        user = store.user("u")
        user.record([said("one"), said("two")])
        store.user("v").record(said("of another"))
        user.search("q", 1)
        user.search("q", 1)
        user.record(said("three"))
        user.search("q", 1)
    assert embedder.texts.count("one") == embedder.texts.count("two") == embedder.texts.count("three") == 1
    assert "of another" not in embedder.texts
    embedder.texts.clear()
    with open_store(address, embedder=embedder) as store:
        assert len(store.user("u").search("q", 5)) == 3
    assert embedder.texts == ["q"]


def test_vectors_are_float32_under_the_embedders_name(store):
    store.user("u").record(said("tea"))
    store.user("u").search("tea", 1)
    with store.transaction("u", write=False) as connection:
        ((name, vector),) = connection.execute("SELECT embedder, vector FROM embeddings")
    assert name == "hashed-words/1"
    assert np.array_equal(np.frombuffer(vector, dtype="<f4"), HashedWords()(["tea"])[0])


def test_another_embedder_makes_its_own_vectors(address):
    path = address
    with open_store(path, embedder=HashedWords()) as store:
        store.user("u").record([said("tea"), said("jazz")])
        store.user("u").search("tea", 1)
    other = HashedWords("hashed-words/2", width=32)
    with open_store(path, embedder=other) as store:
        assert store.user("u").search("jazz", 1)[0].similarity == pytest.approx(1, abs=1e-5)
        assert sorted(other.texts) == ["jazz", "jazz", "tea"]
    with open_store(path, embedder=HashedWords(width=32)) as store, pytest.raises(ModelError, match="new name"):
        store.user("u").search("tea", 1)


def test_what_another_store_recorded_is_found(address):
    path = address
    with open_store(path, embedder=HashedWords()) as one, open_store(path, embedder=HashedWords()) as two:
        one.user("u").record([said("tea", time=5, id="first"), said("jazz", time=6)])
        assert len(one.user("u").search("tea", 9)) == 2
        two.user("u").record(said("tea", time=1, id="older"))  # later in recording, earlier in time
        assert [memory.interaction.id for memory in one.user("u").search("tea", 2)] == ["first", "older"]
        two.user("u").record(said("tea", time=9, id="newer"))
        two.user("u").search("tea", 1)  # embedded by the other this time
        assert [memory.interaction.id for memory in one.user("u").search("tea", 3)] == ["newer", "first", "older"]
        assert one.user("u").search("tea", 3, before=5)[0].interaction.id == "older"


def test_what_another_process_recorded_is_found(address):
    path = address
    script = (
        "import sys; from personaopt.interaction import Interaction; from personaopt.memory import open_store\n"
        "open_store(sys.argv[1]).user('u').record(Interaction({'text': 'tea from afar'}, id='afar'))"
    )
    with open_store(path, embedder=HashedWords()) as store:
        store.user("u").record(said("jazz"))
        store.user("u").search("tea", 1)
        subprocess.run([sys.executable, "-c", script, str(path)], check=True, timeout=60)
        assert store.user("u").search("tea from afar", 1)[0].interaction.id == "afar"


def test_what_was_deleted_behind_the_cache_is_not_found(address):
    path = address
    with open_store(path, embedder=HashedWords()) as one, open_store(path, embedder=HashedWords()) as two:
        user = one.user("u")
        user.record([said("tea", id="gone", time=2), said("tea", id="stays", time=1)])
        assert len(user.search("tea", 9)) == 2
        with two.transaction("u") as connection:
            connection.execute("DELETE FROM interactions WHERE interaction_id = 'gone'")
        assert [memory.interaction.id for memory in user.search("tea", 1)] == ["stays"]
        assert one.health()["embeddings"] == 1
        with two.transaction("u") as connection:
            connection.execute("DELETE FROM interactions")
        two.user("u").record(said("tea", id="another"))
        assert [memory.interaction.id for memory in user.search("tea", 1)] == ["another"]


def test_the_cache_is_bounded_and_its_size_changes_no_answer(address):
    with open_store(address, embedder=HashedWords()) as store:
        search = EpisodicSearch(store, store.embedder, cached_vectors=50)
        for name in range(10):
            store.user(str(name)).record([said(text) for text in sentences(20, seed=name)])
        for _ in range(2):
            for name in range(10):
                expected = brute_force(store.user(str(name)), "tea rain", 5)
                assert answers(search.search(str(name), "tea rain", 5, EVERYTHING, BY_SIMILARITY)) == expected
                assert sum(len(index) for index in search._indexes.values()) <= 50
        assert list(search._indexes) == ["8", "9"]
        store.user("big").record([said(text) for text in sentences(80)])
        assert (
            len(search.search("big", "tea", 80, EVERYTHING, BY_SIMILARITY)) == 80
        )  # larger than the bound, and still answered


def test_threads_that_record_and_search_see_a_consistent_store(address):
    failures = []
    with open_store(address, embedder=HashedWords()) as store:

        def work(name):
            user = store.user(name)
            try:
                for number, text in enumerate(sentences(20, seed=hash(name) % 100)):
                    item = user.record(said(text, id=f"{threading.get_ident()} {number}"))
                    found = user.search(text, 1000)
                    if item.id not in {memory.interaction.id for memory in found}:
                        failures.append("a recorded interaction was not found")
                    if found != user.search(text, 1000)[: len(found)] and len(found) == user.count():
                        failures.append("two searches of the same history differ")
            except Exception as error:
                failures.append(repr(error))
                raise

        threads = [threading.Thread(target=work, args=(name,)) for name in ("u", "v", "u", "w", "v", "x")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.user("u").count() == 40
        assert {memory.interaction for memory in store.user("u").search("tea", 99)} == set(store.user("u").history())
    assert failures == []


def test_any_function_can_embed():
    embedder = CallableEmbedder("lengths/1", lambda texts: [[len(text), 1] for text in texts])
    assert isinstance(embedder, Embedder)
    assert embedder(["abc"]).dtype == np.float32
    assert np.linalg.norm(embedder(["abc", ""]), axis=1) == pytest.approx([1, 1])
    with open_store(":memory:", embedder=embedder) as store:
        store.user("u").record([said("a" * n, id=str(n)) for n in range(1, 5)])
        assert store.user("u").search("aaa", 1)[0].interaction.id == "3"


def test_a_dspy_embedder_can_embed():
    embedder = CallableEmbedder("dspy", dspy.Embedder(lambda texts: HashedWords()(texts) * 3))
    with open_store(":memory:", embedder=embedder) as store:
        store.user("u").record([said("tea", id="a"), said("jazz", id="b")])
        assert answers(store.user("u").search("jazz", 1)) == [("b", pytest.approx(1.0))]


@pytest.mark.parametrize(("name", "function"), [("", len), (None, len), ("x", "not a function")])
def test_embedders_need_a_name_and_a_function(name, function):
    with pytest.raises(ConfigurationError):
        CallableEmbedder(name, function)


@pytest.mark.parametrize(
    "wrong", [[[1.0]], [1.0, 2.0], [[], []], [[1.0], [float("nan")]], [["a"], ["b"]], [[1.0], [1.0, 2.0]], None]
)
def test_what_is_not_a_vector_a_text_is_refused(wrong):
    embedder = CallableEmbedder("wrong", lambda texts: wrong)
    with pytest.raises(ModelError, match="wrong"):
        embedder(["a", "b"])
    with open_store(":memory:", embedder=embedder) as store:
        store.user("u").record([said("a"), said("b")])
        with pytest.raises(ModelError, match="wrong"):
            store.user("u").search("a", 1)
        assert store.health()["embeddings"] == 0


def test_unit_rows():
    rows = unit_rows([[3, 4], [0, 0]], 2, "x")
    assert rows.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0, 0]]
    assert unit_rows(np.empty((0, 5)), 0, "x").shape == (0, 5)


def test_the_local_embedder_is_one_and_loads_nothing_when_made():
    script = (
        "import sys; from personaopt.memory import local_embedder, open_store\n"
        "local_embedder(); open_store(':memory:')\n"
        "print([name for name in ('torch', 'sentence_transformers', 'faiss', 'dspy') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout == "[]\n"
    embedder = local_embedder()
    assert isinstance(embedder, Embedder)
    assert copy.deepcopy(embedder) is pickle.loads(pickle.dumps(embedder)) is local_embedder() is embedder
    with open_store(":memory:") as store:
        assert store.embedder is embedder


@pytest.mark.local_model
def test_the_local_embedder_finds_paraphrases():
    texts = [
        "The film made me laugh from beginning to end.",
        "My train to Rome was two hours late.",
        "How do I bake sourdough bread at home?",
        "The stock market fell sharply on Monday.",
        "Her dog is afraid of thunderstorms.",
    ]
    queries = {
        "That movie was hilarious throughout.": 0,
        "Rail delays on my trip to Italy": 1,
        "recipe for a homemade loaf": 2,
        "shares dropped at the start of the week": 3,
        "a pet scared of lightning": 4,
    }
    with open_store(":memory:") as store:
        user = store.user("u")
        user.record([said(text, id=str(n)) for n, text in enumerate(texts)])
        found = {query: user.search(query, 1)[0] for query in queries}
    assert {query: int(memory.interaction.id) for query, memory in found.items()} == queries
    assert all(memory.similarity > 0.3 for memory in found.values())
    results = [None] * 4

    def embed(number):
        results[number] = local_embedder()(texts)

    threads = [threading.Thread(target=embed, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.allclose(result, results[0], atol=1e-6) for result in results)
    assert results[0].shape == (5, 384)
    assert np.linalg.norm(results[0], axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def filled(store, count=300):
    """A user with many equal texts and times, in three sessions and two tasks, some of neither."""
    user = store.user("u")
    times = np.random.default_rng(4).integers(0, 50, size=count)
    user.record(
        [
            said(text, time=int(when), session=(None, "s1", "s2", "s3")[n % 4], task=(None, "a", "b")[n % 3])
            for n, (text, when) in enumerate(zip(sentences(count), times, strict=True))
        ]
    )
    store.user("v").record([said(text, session="s1", task="a", time=30) for text in sentences(20)])
    return user


@pytest.mark.parametrize(
    "conditions",
    [{"session": "s1"}, {"task": "b"}, {"since": 20}, {"session": "s2", "task": "a", "since": 7.5, "before": 33}],
)
def test_reading_and_search_by_session_task_and_time(store, conditions):
    user = filled(store)

    def meant(item):
        return (
            conditions.get("session") in (None, item.session)
            and conditions.get("task") in (None, item.task)
            and item.time >= conditions.get("since", -1)
            and item.time < conditions.get("before", 99)
        )

    expected = [item for item in user.history() if meant(item)]
    assert 0 < len(expected) < 300
    assert user.history(**conditions) == expected
    assert user.latest(4, **conditions) == expected[-4:]
    for query in sentences(4, seed=5):
        assert answers(user.search(query, 9, **conditions)) == brute_force(user, query, 9, allowed=meant)
    if "before" in conditions:
        end = expected[len(expected) // 2]
        assert user.history(**{**conditions, "before": end}) == expected[: expected.index(end)]


def test_conditions_that_nothing_meets(store):
    user = filled(store, 10)
    store.embedder.texts.clear()
    for conditions in ({"session": "S1"}, {"task": "a%"}, {"since": 1e9}, {"session": "' OR 1=1 --"}):
        assert user.history(**conditions) == user.latest(3, **conditions) == user.search("tea", 3, **conditions) == []
    assert store.embedder.texts == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"session": ""},
        {"task": 7},
        {"since": float("nan")},
        {"since": "yesterday"},
        {"since": True},
        {"half_life": 0},
        {"half_life": float("inf")},
        {"half_life": "1"},
        {"diversity": -0.1},
        {"diversity": 1.1},
        {"diversity": None},
        {"diversity": float("nan")},
    ],
)
def test_wrong_conditions(store, wrong):
    user = filled(store, 10)
    with pytest.raises(DataError):
        user.search("tea", 3, **wrong)


def test_recency_halves_what_is_older(store):
    user = filled(store)
    embed = HashedWords()
    history = user.history(before=40)
    for query in sentences(5, seed=6):
        cosines = (embed([item.query_text() for item in history]) @ embed([query])[0]).astype(float)
        newest = max(item.time for item in history)
        scores = [c * 0.5 ** ((newest - i.time) / 10) if c > 0 else c for c, i in zip(cosines, history, strict=True)]
        found = user.search(query, 300, before=40, half_life=10)
        places = {item.id: position for position, item in enumerate(history)}
        given = [scores[places[memory.interaction.id]] for memory in found]
        assert len(given) == len(history)
        assert all(first >= second - 2e-6 for first, second in itertools.pairwise(given))
        assert {m.interaction.id: m.similarity for m in found} == {
            item.id: pytest.approx(cosine, abs=1e-5) for item, cosine in zip(history, cosines, strict=True)
        }
        assert user.search(query, 7, before=40, half_life=10) == found[:7]
    same = [memory.interaction for memory in user.search("tea", 9, half_life=1e12)]
    assert same == [memory.interaction for memory in user.search("tea", 9)]


def test_diversity_is_maximal_marginal_relevance(store):
    user = filled(store)
    embed = HashedWords()
    history = user.history()
    vectors = embed([item.query_text() for item in history]).astype(float)
    for query in sentences(3, seed=7):
        cosines = vectors @ embed([query])[0]
        for diversity in (0.3, 0.7, 1.0):
            found = user.search(query, 6, diversity=diversity)
            chosen = [next(n for n, item in enumerate(history) if item.id == m.interaction.id) for m in found]
            assert len(set(chosen)) == 6
            for number, position in enumerate(chosen):  # every choice is a best one, given those before it
                closest = [max((vectors[n] @ vectors[c] for c in chosen[:number]), default=0) for n in range(300)]
                gains = (1 - diversity) * cosines - diversity * np.array(closest)
                gains[chosen[:number]] = -np.inf
                assert gains[position] >= gains.max() - 1e-5
    assert user.search("tea", 9, diversity=0) == user.search("tea", 9)


def test_diversity_gives_no_text_twice_where_others_are_as_near(store):
    user = store.user("u")
    user.record([said("tea tea", id=f"tea {n}") for n in range(5)] + [said("tea bread", id="bread")])
    assert {m.interaction.query_text() for m in user.search("tea", 2)} == {"tea tea"}
    assert [m.interaction.query_text() for m in user.search("tea", 2, diversity=0.6)] == ["tea tea", "tea bread"]
    assert len(user.search("tea", 99, diversity=0.6)) == 6


def test_a_search_that_finds_nothing_new_asks_the_store_for_no_vectors(store, monkeypatch):
    user = filled(store, 50)
    user.search("tea", 3)
    monkeypatch.setattr(store, "vectors", None)
    assert len(user.search("rain", 3)) == 3
    user.record(said("rain"))
    with pytest.raises(TypeError):
        user.search("rain", 3)


def test_a_user_who_came_back_is_searched_anew(store):
    user = store.user("u")
    user.record([said("tea", id="old 1"), said("tea", id="old 2")])
    assert len(user.search("tea", 9)) == 2
    with store.transaction("u") as connection:
        connection.execute("DELETE FROM users WHERE user_id = 'u'")
    assert user.search("tea", 9) == []
    user.record([said("tea", id="new 1"), said("tea", id="new 2")])
    assert {memory.interaction.id for memory in user.search("tea", 9)} == {"new 1", "new 2"}
