"""What SECURITY.md says is refused, is. Each point of its list names a test here, or in test_jobs, test_search_api, test_faults."""

import os
import re

import pytest

from pagesight.engine.cli.serve import _named
from pagesight.engine.server.security import COOKIE, Role, make_cookie, role_of_cookie, role_of_key
from pagesight.engine.server.settings import Keys, Limits, ServerSettings, check_address, is_loopback, read_key
from pagesight.storage.errors import ConfigError
from tests.helpers import ROOT
from tests.server.conftest import opened
from tests.server.test_search_api import error_of

ALL, READ = "a-key-that-allows-all", "a-key-to-read-with-only"
OPEN = {"/healthz", "/readyz", "/", "/favicon.ico", "/static/{name}", "/api/session", "/openapi.json"}
CHANGING = [
    ("PUT", "/api/uploads/a.txt"),
    ("POST", "/api/jobs"),
    ("POST", "/api/jobs/0123456789abcdef/cancel"),
    ("DELETE", "/api/documents?document=finance/report.pdf"),
]
BODIES = {"/api/jobs": {"paths": ["/tmp"]}, "/api/search": {"query": "lamps"}}


@pytest.fixture(scope="module")
def guarded(index, tmp_path_factory):
    """A server with both keys that may be written to."""
    state = tmp_path_factory.mktemp("guarded")
    settings = ServerSettings(
        indexes={"docs": str(index)}, keys=Keys(all=ALL, read_only=READ), allow_write=True, state=state / "state"
    )
    with opened(settings) as client:
        yield client


def addresses(app):
    """(method, path) of everything that is answered, with values for what is in braces."""
    from fastapi.routing import iter_route_contexts

    values = {"document:path": "finance/report.pdf", "document": "finance/report.pdf", "page": "1", "name": "a.txt"}
    values["job_id"] = "0123456789abcdef"
    for route in iter_route_contexts(app.routes):
        path = getattr(route, "path", None)
        if path is None or path in OPEN:
            continue
        filled = re.sub(r"\{([^}]+)\}", lambda match: values[match[1]], path)
        yield from ((method, filled) for method in sorted((getattr(route, "methods", None) or {"GET"}) - {"HEAD"}))


def test_without_a_key_nothing_is_answered_but_health_and_the_empty_page(guarded):
    asked = list(addresses(guarded.app))
    assert len(asked) > 20
    assert {"/api/search", "/metrics", "/v1/embeddings", "/mcp"} <= {path for _, path in asked}
    for method, path in asked:
        for headers in ({}, {"Authorization": "Bearer "}, {"X-API-Key": ALL[:-1]}, {"Authorization": f"Basic {ALL}"}):
            answer = guarded.request(method, path, headers=headers, json=BODIES.get(path, {}))
            assert answer.status_code == 401, (method, path, answer.text)
            assert answer.headers["www-authenticate"].startswith("Bearer")
    assert guarded.head("/api/documents/finance/report.pdf/file").status_code == 401
    for path in ("/healthz", "/readyz", "/", "/static/app.js"):
        whole, head = guarded.get(path), guarded.head(path)
        assert (whole.status_code, head.status_code, head.content) == (200, 200, b"")
        assert head.headers["content-length"] == str(len(whole.content))


@pytest.mark.parametrize(
    "path", ["/api/search", "/api/jobs", "/v1/embeddings", "/v2/rerank", "/api/shard/search", "/mcp"]
)
def test_without_a_key_no_body_is_read(guarded, path):
    """One that is no JSON is not noticed."""
    headers = {"Content-Type": "application/json"}
    error_of(guarded.post(path, content=b"[" * 1000, headers=headers), 401)
    assert guarded.post(path, content=b"[" * 1000, headers={**headers, "X-API-Key": ALL}).status_code == 400


def test_a_key_in_an_address_is_no_key(guarded):
    for name in ("key", "api_key", "token", "access_token", "X-API-Key"):
        assert guarded.get("/api/info", params={name: ALL}).status_code == 401


@pytest.mark.parametrize(
    "shown", [{"Authorization": f"Bearer {READ}"}, {"X-API-Key": READ}, {"authorization": f"bearer  {READ}"}]
)
def test_the_key_for_reading_reads_and_changes_nothing(guarded, shown):
    assert guarded.get("/api/info", headers=shown).json()["may_write"] is False
    assert guarded.post("/api/search", json={"query": "lamps"}, headers=shown).status_code == 200
    for method, path in CHANGING:
        answer = guarded.request(method, path, headers=shown, json=BODIES.get(path))
        assert error_of(answer, 403)["code"] == "not_allowed"
    assert guarded.get("/api/totals", headers=shown).json()["n_pages"] == 7


def test_a_server_that_only_reads_changes_nothing_for_anybody(client):
    assert client.get("/api/info").json()["may_write"] is False
    for method, path in CHANGING:
        assert error_of(client.request(method, path, json=BODIES.get(path)), 403)["code"] == "not_allowed"


def test_the_cookie_of_the_page(guarded):
    answer = guarded.post("/api/session", json={"key": READ})
    assert answer.json() == {"role": "read"}
    said = answer.headers["set-cookie"]
    assert "HttpOnly" in said
    assert "SameSite=strict" in said
    assert "Path=" not in said  # the folder of the address: a proxy's prefix counts
    cookie = said.split(";")[0].removeprefix(f"{COOKIE}=")
    guarded.cookies.clear()
    assert guarded.get("/api/info", headers={"Cookie": f"{COOKIE}={cookie}"}).json()["may_write"] is False
    assert guarded.put("/api/uploads/a.txt", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 403
    for other in (cookie[:-1], f"2{cookie[1:]}", "", "..", "1.99999999999.", cookie.replace(".", "")):
        assert guarded.get("/api/info", headers={"Cookie": f"{COOKIE}={other}"}).status_code == 401
    error_of(guarded.post("/api/session", json={"key": "wrong" * 5}), 401)
    guarded.cookies.clear()


def test_a_cookie_ends_with_its_key_and_its_time(monkeypatch):
    keys = Keys(all=ALL, read_only=READ)
    cookie = make_cookie(keys, Role.ALL)
    assert role_of_cookie(keys, cookie) == Role.ALL
    assert role_of_cookie(Keys(all=ALL + "2", read_only=READ), cookie) is None
    assert role_of_cookie(Keys(read_only=READ), cookie) is None
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert role_of_cookie(keys, cookie) is None


def test_keys_are_told_apart():
    keys = Keys(all=ALL, read_only=READ)
    assert (role_of_key(keys, ALL), role_of_key(keys, READ)) == (Role.ALL, Role.READ)
    assert role_of_key(Keys(read_only=READ), "") is None
    assert role_of_key(keys, "schlüssel") is None
    assert ALL not in repr(ServerSettings(indexes={"a": "b"}, keys=keys))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Keys(all="short"), "at least 16"),
        (lambda: Keys(all=ALL, read_only=ALL), "must differ"),
        (lambda: Keys(all="with a blank at the end "), "blanks"),
        (lambda: Keys(all="not of ascii: äöüäöüäöü"), "ASCII"),
        (lambda: read_key("", None, "full"), "empty"),
        (lambda: read_key(None, "/nonexistent/key", "full"), "cannot be read"),
        (lambda: read_key(ALL, "/nonexistent/key", "full"), "twice"),
        (lambda: ServerSettings(indexes={}), "at least one index"),
        (lambda: ServerSettings(indexes={"../x": "y"}), "named by letters"),
        (lambda: ServerSettings(indexes={"a": "b"}, prefix="search/"), "prefix"),
        (lambda: _named(("a/index", "b/index")), "two indexes"),
    ],
)
def test_settings_that_would_leave_the_server_open_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_a_key_comes_from_a_file(tmp_path):
    (tmp_path / "key").write_text(ALL + "\n")
    assert read_key(None, tmp_path / "key", "full") == ALL
    (tmp_path / "key").write_text("\n")
    with pytest.raises(ConfigError, match="empty"):
        read_key(None, tmp_path / "key", "full")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_an_address_that_others_reach_needs_a_key(host):
    settings = ServerSettings(indexes={"a": "b"}, host=host)
    with pytest.raises(ConfigError, match="give it a key"):
        check_address(settings)
    check_address(settings, without_key=True)
    check_address(ServerSettings(indexes={"a": "b"}, host=host, keys=Keys(read_only=READ)))
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_needs_none(host):
    check_address(ServerSettings(indexes={"a": "b"}, host=host))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost:8000"}, 200),
        ({"Host": "127.0.0.1"}, 200),
        ({"Host": "[::1]:80"}, 200),
        ({"Host": "192.168.0.9"}, 200),  # an address cannot be pointed elsewhere
        ({"Host": "evil.example"}, 421),
        ({"Host": "localhost.evil.example"}, 421),
        ({"Host": ""}, 421),
        ({"Host": "[::1"}, 421),
        ({"Host": "localhost", "Origin": "http://localhost"}, 200),
        ({"Host": "localhost:8000", "Origin": "http://localhost:3000"}, 403),
        ({"Host": "localhost", "Origin": "http://evil.example"}, 403),
        ({"Host": "localhost", "Origin": "null"}, 403),
        ({"Host": "localhost", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Host": "localhost", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ({"Host": "localhost", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, 200),
    ],
)
def test_other_names_and_other_origins_get_nothing(client, headers, status):
    answer = client.get("/api/info", headers=headers)
    assert answer.status_code == status
    if status != 200:
        error_of(answer, status)
        assert client.post("/mcp", headers=headers).status_code == status


def test_every_answer_says_what_a_browser_may_do_with_it(client):
    for path in ("/", "/api/info", "/nothing", "/api/documents/finance/report.pdf/file", "/static/app.js"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "%2e%2e/%2e%2e/etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "/etc/passwd",
        "//etc/passwd",
        "finance/../../secret.txt",
        "finance/report.pdf%00.txt",
        "*",
        "%F0%9F%92%A9",
        "%FF%FE",
        "a" * 4000,
        "\\..\\..\\secret",
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "\"'",
    ],
)
def test_only_names_of_the_index_name_anything(client, name):
    for rest in ("", "/file", "/pages/1", "/pages/1/image", "/pages/1/heat?q=a"):
        answer = client.get(f"/api/documents/{name}{rest}")
        assert answer.status_code == 404 or (answer.status_code == 200 and "documents" in answer.json()), answer.text
        assert "root:" not in answer.text


@pytest.mark.parametrize(
    "name", ["../settings.py", "..%2fapp.py", "%2e%2e%2fapp.py", "app.js/../../app.py", "nothing.js", ".", ""]
)
def test_the_page_has_its_files_and_no_others(client, name):
    assert client.get(f"/static/{name}").status_code == 404


def test_removing_one_name_removes_one_document(index, tmp_path):
    """A name is no pattern."""
    import shutil

    shutil.copytree(index, tmp_path / "index")
    settings = ServerSettings(indexes={"docs": str(tmp_path / "index")}, allow_write=True, state=tmp_path / "state")
    with opened(settings) as client:
        for pattern in ("*", "finance/*", "finance/??????.pdf"):
            error_of(client.delete("/api/documents", params={"document": pattern}), 404)
        assert client.delete("/api/documents", params={"document": "finance/report.pdf"}).json() == {
            "removed": ["finance/report.pdf"]
        }
        assert client.get("/api/totals").json()["n_documents"] == 3
        assert (index.parent / "docs/finance/report.pdf").exists()


def test_a_method_that_is_not_there_says_which_are(client):
    for path, allowed in [("/api/documents", "DELETE, GET"), ("/api/session", "DELETE, POST"), ("/api/search", "POST")]:
        answer = client.request("PATCH", path)
        error_of(answer, 405)
        assert answer.headers["allow"] == allowed


def test_a_body_has_a_size(index):
    limits = Limits(json_bytes=1000, picture_bytes=2000)
    with opened(ServerSettings(indexes={"docs": str(index)}, limits=limits)) as client:
        body = {"query": "a " * 600}
        assert error_of(client.post("/api/search", json=body), 413)["code"] == "too_large"

        def pieces():
            for _ in range(100):
                yield b" " * 100

        assert error_of(client.post("/api/search", content=pieces()), 413)["code"] == "too_large"
        assert error_of(client.post("/api/search/picture", content=b"x" * 2001), 413)["code"] == "too_large"
        assert client.post("/api/search", json={"query": "lamps"}).status_code == 200


def test_secrets_are_not_logged(guarded, caplog):
    with caplog.at_level("DEBUG"):
        guarded.get("/api/info", params={"q": "a private question"}, headers={"X-API-Key": ALL})
        guarded.post("/api/session", json={"key": ALL})
        guarded.cookies.clear()
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("pagesight"))
    assert "/api/info" in ours
    assert ALL not in ours
    assert "private" not in ours


def test_every_point_of_the_threat_list_names_tests_that_exist():
    listed = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)\.(test_\w+)`", listed)
    assert len(named) > 15
    for module, name in named:
        texts = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob(f"{module}.py")]
        assert any(f"def {name}(" in text for text in texts), f"{module}.{name}"


def test_the_page_asks_nobody_else():
    """No address of another host in what the browser is given."""
    folder = ROOT / "engine/server/static"
    for path in sorted(folder.iterdir()):
        found = re.findall(r"https?://[^\s\"'`)]+", path.read_text(encoding="utf-8"))
        assert set(found) <= {"http://www.w3.org/2000/svg"}, path
    assert os.listdir(folder)
