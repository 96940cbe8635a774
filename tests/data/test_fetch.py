"""Downloads from a server that cuts connections, lies about contents, or has nothing."""

import contextlib
import hashlib
import io
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import scipy.io
from PIL import Image

from spgen_lit.data.__main__ import main
from spgen_lit.data.catalogue import CATALOGUE, Download, Entry
from spgen_lit.data.fetch import FetchError, download, fetch, unpack
from spgen_lit.data.readers.osie import Osie

DATA = np.random.default_rng(0).bytes(400_000)
MD5 = hashlib.md5(DATA).hexdigest()


class Server:
    """Serves `files`; cuts the first `cuts` answers half-way; keeps the Range of requests."""

    def __init__(self):
        self.files, self.cuts, self.ranges, self.etag, self.paths = {}, 0, [], '"v1"', []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *arguments):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, request):
        self.ranges.append(request.headers.get("Range"))
        self.paths.append(request.path)
        data = self.files.get(request.path)
        if data is None:
            request.send_error(404)
            return
        start = 0
        same = request.headers.get("If-Range") in (None, self.etag)
        if request.headers.get("Range") and same:
            start = int(request.headers["Range"].removeprefix("bytes=").rstrip("-"))
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            request.send_response(200)
        request.send_header("Content-Length", str(len(data) - start))
        request.send_header("ETag", self.etag)
        request.end_headers()
        body = data[start:]
        if self.cuts:
            self.cuts -= 1
            body = body[: len(body) // 2]
        with contextlib.suppress(OSError):
            request.wfile.write(body)
        request.close_connection = True


@pytest.fixture
def server():
    server = Server()
    server.files["/a.zip"] = DATA
    yield server
    server.http.shutdown()
    server.http.server_close()


def test_a_cut_connection_is_resumed_where_it_stopped(server, tmp_path):
    server.cuts = 2
    assert download(f"{server.url}/a.zip", tmp_path / "a.zip", MD5, wait=0) == MD5
    assert (tmp_path / "a.zip").read_bytes() == DATA
    assert server.ranges == [None, "bytes=196608-", "bytes=262144-"]  # whole chunks
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    download(f"{server.url}/a.zip", tmp_path / "a.zip", MD5)
    assert len(server.ranges) == 3


def test_giving_up_keeps_the_part_and_a_later_call_goes_on(server, tmp_path):
    server.cuts = 9
    with pytest.raises(FetchError, match=r"not whole after 2 attempts.*next call goes on"):
        download(f"{server.url}/a.zip", tmp_path / "a.zip", MD5, tries=2, wait=0)
    assert not (tmp_path / "a.zip").exists()
    server.cuts = 0
    download(f"{server.url}/a.zip", tmp_path / "a.zip", MD5)
    assert server.ranges[-1] == "bytes=262144-"
    assert (tmp_path / "a.zip").read_bytes() == DATA


def test_a_file_that_changed_on_the_server_is_not_pieced_together(server, tmp_path):
    server.cuts = 1
    with pytest.raises(FetchError):
        download(f"{server.url}/a.zip", tmp_path / "a.zip", tries=1)
    server.files["/a.zip"], server.etag = DATA[::-1], '"v2"'
    download(f"{server.url}/a.zip", tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == DATA[::-1]


def test_a_wrong_checksum_is_refused_and_nothing_kept(server, tmp_path):
    with pytest.raises(FetchError, match=f"wrong checksum, MD5 {MD5} instead of {'0' * 32}"):
        download(f"{server.url}/a.zip", tmp_path / "a.zip", "0" * 32)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_said_at_once(server, tmp_path):
    with pytest.raises(FetchError, match="answers 404 Not Found; the file may have moved"):
        download(f"{server.url}/b.zip", tmp_path / "b.zip")
    assert len(server.ranges) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_dead_server_is_explained(tmp_path):
    with pytest.raises(FetchError, match=r"not whole after 2 attempts.*refused"):
        download("http://127.0.0.1:9/a", tmp_path / "a", tries=2, wait=0)


def archive(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as content:
        for name, data in files.items():
            content.writestr(name, data)
    return buffer.getvalue()


def osie_archive():
    picture, table = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (800, 600)).save(picture, "JPEG")
    cell = np.empty((1, 1), dtype=object)
    subjects = np.empty((1, 1), dtype=object)
    subjects[0, 0] = {"fix_x": [400.0, 80.0], "fix_y": [300.0, 60.0], "fix_duration": [100, 200]}
    cell[0, 0] = {"img": "1001.jpg", "subjects": subjects}
    scipy.io.savemat(table, {"fixations": cell})
    top = "predicting-human-gaze-beyond-pixels-master"
    return archive(
        {
            f"{top}/LICENSE": "MIT",
            f"{top}/demo.m": "code",
            f"{top}/data/stimuli/1001.jpg": picture.getvalue(),
            f"{top}/data/eye/fixations.mat": table.getvalue(),
            f"{top}/data/.DS_Store": "litter",
        }
    )


def test_the_command_fetches_osie_and_its_reader_reads_it(server, tmp_path):
    server.files["/osie-master.zip"] = osie_archive()
    server.cuts = 1
    command = [sys.executable, "-m", "spgen_lit.data", "fetch", "osie", tmp_path / "osie"]
    command += ["--mirror", server.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    files = sorted(
        p.relative_to(tmp_path / "osie").as_posix() for p in (tmp_path / "osie").rglob("*")
    )
    assert [f for f in files if "." in f or f == "LICENSE"] == [
        ".fetched.json",
        "LICENSE",
        "data/eye/fixations.mat",
        "data/stimuli/1001.jpg",
    ]
    asked = len(server.paths)
    assert main(["fetch", "osie", str(tmp_path / "osie"), "--mirror", server.url]) == 0
    assert len(server.paths) == asked  # what is there is not downloaded again
    assert len(Osie(tmp_path / "osie").read().scanpaths) == 1


def test_the_command_explains_what_cannot_be_fetched(server, tmp_path, capsys):
    assert main(["fetch", "salicon", str(tmp_path / "s")]) == 1
    assert "cannot be fetched: no open download: salicon.net" in capsys.readouterr().err
    command = ["fetch", "cat2000", str(tmp_path / "c"), "--mirror", server.url]
    assert main(command) == 1
    said = capsys.readouterr().err
    assert "404" in said
    assert "See also: saliency.mit.edu" in said
    server.files["/trainSet.zip"] = DATA
    assert main(command) == 1
    assert "wrong checksum" in capsys.readouterr().err
    assert list((tmp_path / "c").iterdir()) == []
    assert main(["fetch", "nothing", str(tmp_path / "n")]) == 2


def test_a_broken_archive_is_refused(server, tmp_path, monkeypatch):
    server.files["/broken.zip"] = osie_archive()[:-50]
    item = Download(f"{server.url}/broken.zip", "broken.zip")
    entry = Entry("x", "", "eye", "", "", "ask", (item,))
    monkeypatch.setitem(CATALOGUE, "broken", entry)
    with pytest.raises(FetchError, match="not a whole zip file"):
        fetch("broken", tmp_path / "b")
    assert list((tmp_path / "b").iterdir()) == []


def test_archives_cannot_write_outside_their_folder(server, tmp_path, monkeypatch):
    server.files["/evil.zip"] = archive({"../../evil.txt": "x", "good/a.txt": "y"})
    item = Download(f"{server.url}/evil.zip", "evil.zip")
    monkeypatch.setitem(CATALOGUE, "evil", Entry("x", "", "eye", "", "", "ask", (item,)))
    fetch("evil", tmp_path / "deep" / "e")
    assert (tmp_path / "deep" / "e" / "good" / "a.txt").read_text() == "y"
    assert not list(tmp_path.glob("evil.txt")) + list((tmp_path / "deep").glob("evil.txt"))


def test_every_download_of_the_catalogue_is_complete():
    for name, entry in CATALOGUE.items():
        for item in entry.downloads:
            assert item.url.startswith("http"), name
            assert item.name.endswith(".zip"), name
    assert {"osie", "eyecrowd", "mit1003", "cat2000"} <= {
        name for name, entry in CATALOGUE.items() if entry.downloads
    }


def _packed(path, name="a.txt", data=b"x" * 1000, flag=0, method=None):
    """A zip file whose headers say that it is encrypted, or packed by another method."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as content:
        content.writestr(name, data)
    raw = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = raw.index(mark)
        raw[start + place] |= flag
        if method is not None:
            raw[start + place + 2 : start + place + 4] = method.to_bytes(2, "little")
    path.write_bytes(raw)
    return path


def test_archives_that_cannot_be_unpacked_are_one_line(tmp_path):
    item = Download("a.zip", "http://x/a.zip")
    for number, settings in enumerate(({"flag": 1}, {"method": 97})):
        archive = _packed(tmp_path / f"{number}.zip", **settings)
        with pytest.raises(FetchError, match=f"{number}.zip: cannot be unpacked .* by hand"):
            unpack(archive, tmp_path, item)
        assert archive.is_file()
    damaged = _packed(tmp_path / "damaged.zip", data=DATA[:5000])
    raw = bytearray(damaged.read_bytes())
    raw[60:90] = bytes(30)
    damaged.write_bytes(raw)
    with pytest.raises(FetchError, match=r"damaged\.zip: not a whole zip file"):
        unpack(damaged, tmp_path, item)
    assert not list(tmp_path.glob(".unpack-*"))


def test_a_small_archive_that_unpacks_to_much_is_refused(tmp_path, monkeypatch):
    item = Download("a.zip", "http://x/a.zip")
    archive = _packed(tmp_path / "bomb.zip", data=bytes(3_000_000))
    monkeypatch.setenv("SPGEN_MAX_UNPACKED_GB", "0.001")
    with pytest.raises(FetchError, match=r"bomb\.zip: .* SPGEN_MAX_UNPACKED_GB"):
        unpack(archive, tmp_path, item)
    monkeypatch.delenv("SPGEN_MAX_UNPACKED_GB")
    unpack(archive, tmp_path, item)
    assert (tmp_path / "a.txt").stat().st_size == 3_000_000


@pytest.mark.parametrize("content", ["{", "[1]", "\x00"])
def test_a_damaged_list_of_what_was_fetched_is_named(tmp_path, content):
    (tmp_path / ".fetched.json").write_text(content)
    with pytest.raises(FetchError, match=r"fetched\.json: damaged .* remove it"):
        fetch("osie", tmp_path)
