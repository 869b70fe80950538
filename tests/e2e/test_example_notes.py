# SPDX-License-Identifier: Apache-2.0
"""examples/notes, deployed with the AWS CLI: the main job from HTTP to the table and back."""

import json

import pytest
from harness.daemon import wait_until
from harness.notes import LANGUAGES, Notes

pytestmark = pytest.mark.functions


@pytest.fixture(scope="module")
def notes(daemon):
    app = Notes(daemon, name="notes-e2e")
    app.up()
    yield app
    app.close()
    app.script("down")


def logged_messages(aws, function):
    try:
        pages = aws("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}")
        return [e["message"] for page in pages for e in page["events"]]
    except aws("logs").exceptions.ResourceNotFoundException:
        return []


def test_without_the_policy_the_write_is_denied_and_the_log_says_so(notes, aws):
    status, _ = notes.post("python", "not yet")
    assert status == 500  # an HTTP API answers 500 when the function fails

    def says_denied():
        return any("AccessDeniedException" in m for m in logged_messages(aws, notes.function("python")))

    assert wait_until(says_denied, 10, 0.2), logged_messages(aws, notes.function("python"))
    assert aws("dynamodb").scan(TableName=notes.name)["Count"] == 0


def test_once_the_policy_is_attached_every_language_keeps_notes(notes, aws):
    notes.script("allow")
    for language in LANGUAGES:
        text = f'{language} says "hello" – ünïcode \\ and\nlines'
        status, note = notes.post(language, text)
        assert (status, note["text"], note["language"]) == (201, text, language)
        assert notes.get(language, note["id"]) == (200, note)
        item = aws("dynamodb").get_item(
            TableName=notes.name, Key={"language": {"S": language}, "id": {"S": note["id"]}}, ConsistentRead=True
        )["Item"]
        assert item["text"]["S"] == text
        assert notes.get(language, "absent")[0] == 404


@pytest.mark.parametrize("language", ["python", "nodejs"])
def test_notes_are_listed(notes, language):
    made = [notes.post(language, f"{i}")[1]["id"] for i in range(3)]
    status, found = notes.request("GET", f"/{language}/notes")
    assert status == 200
    assert set(made) <= {n["id"] for n in found}


def test_a_route_that_is_not_there(notes):
    assert notes.request("GET", "/nothing") == (404, {"message": "Not Found"})


def test_the_log_holds_start_end_and_report(notes, aws):
    _, note = notes.post("nodejs", "logged")
    wanted = (f"START RequestId: {note['id']}", f"END RequestId: {note['id']}", f"REPORT RequestId: {note['id']}")

    def all_there():
        messages = logged_messages(aws, notes.function("nodejs"))
        return all(any(m.startswith(w) for m in messages) for w in wanted)

    assert wait_until(all_there, 10, 0.2)


def test_the_items_by_the_javascript_sdk(notes, node):
    _, note = notes.post("python", "read by node")
    item = node("get_item.mjs", {"table": notes.name, "key": {"language": "python", "id": note["id"]}})
    assert item == note


def test_a_list_by_the_cli(notes, cli):
    found = cli("lambda", "list-functions", "--query", "Functions[].FunctionName")
    assert {notes.function(language) for language in LANGUAGES} <= set(found)
    policy = cli("lambda", "get-policy", "--function-name", notes.function("python"))
    assert json.loads(policy["Policy"])["Statement"][0]["Principal"] == {"Service": "apigateway.amazonaws.com"}
