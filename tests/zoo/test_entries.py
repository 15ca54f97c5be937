"""Entries beyond those of the package, in a folder or on a server, by SCALE_ZOO_HOME."""

import functools
import http.server
import json
import pathlib
import shutil
import threading

import numpy as np
import pytest

import scale_zoo
from scale_zoo import zoo

ENTRY = "plain_cnn/tiny"
FOLDER = "plain_cnn.tiny"
OPTIONS = {"channels": [2, 3], "strides": [2, 2], "kernel_size": 3, "hidden": None}


class Server(http.server.SimpleHTTPRequestHandler):
    """Serves files, one of them cut off in its middle if so told."""

    cut = None
    requested: list[str]

    def do_GET(self):
        self.requested.append(self.path)
        path = pathlib.Path(self.translate_path(self.path))
        if self.cut is None or not self.path.endswith(self.cut):
            super().do_GET()
            return
        content = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder with one entry, and its network."""
    model = scale_zoo.create_model("plain_cnn", (12, 12, 1), 3, **OPTIONS)
    description = {
        "model": "plain_cnn",
        "input_shape": [12, 12, 1],
        "classes": 3,
        "options": OPTIONS,
        "class_names": ["cat", "dog", "owl"],
    }
    folder = tmp_path_factory.mktemp("home") / FOLDER
    scale_zoo.export_model(model, folder, description, card="# A card\n")
    return folder.parent, model


@pytest.fixture
def home(exported, tmp_path, monkeypatch):
    """A copy of the folder, with the cache of downloads beside it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return shutil.copytree(exported[0], tmp_path / "home")


@pytest.fixture
def server(home, monkeypatch):
    """A server of the copy, whose address SCALE_ZOO_HOME is."""
    handler = type("Handler", (Server,), {"requested": []})
    bound = functools.partial(handler, directory=str(home))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), bound) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        monkeypatch.setenv("SCALE_ZOO_HOME", f"http://127.0.0.1:{running.server_port}/")
        yield handler
        running.shutdown()
        thread.join()


def _cached(tmp_path):
    """What lies in the cache: names of all files and folders."""
    return sorted(path.name for path in (tmp_path / "cache").rglob("*"))


def _assert_same_answers(model):
    images = np.random.default_rng(0).random((2, 12, 12, 1)).astype(np.float32)
    loaded = scale_zoo.load_model(ENTRY)
    np.testing.assert_allclose(loaded(images), model(images), rtol=1e-5, atol=1e-6)
    assert loaded.class_names == ("cat", "dog", "owl")


def test_an_entry_in_a_folder_is_listed_and_loaded(exported, home, monkeypatch):
    monkeypatch.setenv("SCALE_ZOO_HOME", str(home))
    assert {ENTRY, "dss_cnn/digits"} <= set(scale_zoo.list_pretrained())
    _assert_same_answers(exported[1])


def test_a_folder_that_does_not_exist_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALE_ZOO_HOME", str(tmp_path / "nothing"))
    with pytest.raises(ValueError, match=r"SCALE_ZOO_HOME .* must be .*Received '.*nothing'"):
        scale_zoo.load_model("dss_cnn/digits")


def test_an_entry_on_a_server_is_downloaded_once_whole(exported, server, tmp_path):
    _assert_same_answers(exported[1])
    zoo.check_files(zoo.find_entry(ENTRY))
    assert (zoo.find_entry(ENTRY) / "README.md").read_text() == "# A card\n"
    assert len(server.requested) == len(set(server.requested)) == 7
    assert ENTRY in scale_zoo.list_pretrained()
    assert not any("unfinished" in name for name in _cached(tmp_path))


@pytest.mark.parametrize("file", ["model.json", "saved_model.pb", "variables.data-00000-of-00001"])
def test_an_interrupted_download_leaves_nothing_and_begins_anew(exported, server, tmp_path, file):
    server.cut = file
    with pytest.raises(OSError, match=rf"{file} cannot be read: .* try again"):
        scale_zoo.load_model(ENTRY)
    assert FOLDER not in scale_zoo.list_pretrained()
    assert set(_cached(tmp_path)) <= {"scale_zoo", *(_ for _ in _cached(tmp_path) if "127" in _)}
    server.cut = None
    _assert_same_answers(exported[1])


def test_a_file_of_another_digest_is_named_and_nothing_kept(home, server, tmp_path):
    path = home / FOLDER / "saved_model.pb"
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(ValueError, match=r"http://.*/saved_model\.pb is missing or damaged"):
        scale_zoo.load_model(ENTRY)
    assert ENTRY not in scale_zoo.list_pretrained()


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "a/../../outside", "C:\\outside"])
def test_a_description_cannot_name_files_outside_its_folder(home, server, tmp_path, name):
    path = home / FOLDER / "model.json"
    description = json.loads(path.read_text())
    description["files"] = {name: "0" * 64}
    path.write_text(json.dumps(description))
    with pytest.raises(ValueError, match=r"must name files inside its folder\. Received '"):
        scale_zoo.load_model(ENTRY)
    assert not list(tmp_path.rglob("outside*"))


def test_an_entry_that_the_server_lacks_is_refused(server):
    with pytest.raises(ValueError, match=r"dss_cnn/digits.*'plain_cnn/other', which is not at SCA"):
        scale_zoo.load_model("plain_cnn/other")


def test_names_of_other_things_are_not_asked_for(server):
    with pytest.raises(ValueError, match="Received 'runs/mine'"):
        scale_zoo.load_model("runs/mine")
    assert server.requested == []


def test_a_server_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("SCALE_ZOO_HOME", "http://127.0.0.1:9")
    with pytest.raises(OSError, match=r"http://127\.0\.0\.1:9/plain_cnn\.tiny/model\.json cannot"):
        scale_zoo.load_model(ENTRY)
