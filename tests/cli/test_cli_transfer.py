"""`dayfill transfer`, `destination` and `source`: what they ask for."""

from __future__ import annotations

import json
from pathlib import Path

from answering import Answering
from command_line import Command

TYPE = {"type": "DWH_DUCKDB", "title": "DuckDB file"}


def test_create_imports_the_tables_and_sends_the_whole_configuration(
    command: Command, server: Answering, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    server.on("GET", "/teams/7/destinations", [{"id": 5, "display_name": "warehouse", "type": "DWH_DUCKDB"}])
    server.on("POST", "/table/group/import", {"group_id": "tg_9", "schema_id": 9})
    server.on("POST", "/teams/7/transfers", {"transfer_id": 3, "transfer_name": "Weather"})
    server.on("POST", "/x/v1/teams/7/transfers/3/test", {"success": True, "error": None})
    settings = ["--set", "path=/data/a=b.csv", "--set", "delay_ms:=5", "--set", f"token=@{tmp_path}/secret"]
    timing = ["--schedule", "weekly", "--hour", "6", "--weekday", "7", "--refresh-window", "3"]
    words = ["Weather", "--source", "FILES", "--destination", "warehouse", "--table", "a, b", "--account", "acc"]
    ran = command("transfer", "create", *words, *settings, *timing)
    assert (ran.code, json.loads(ran.out)) == (0, {"transfer_id": 3, "transfer_name": "Weather"})
    assert (ran.err, server.asked[-1].target) == ("", "/x/v1/teams/7/transfers/3/test")
    group, transfer, _ = server.bodies("POST")
    assert [table["table_name"] for table in group["tables"]] == ["a", "b"]
    assert transfer == {
        "data_source_id": "FILES",
        "destination_id": 5,
        "schema_id": 9,
        "display_name": "Weather",
        "schedule": [{"run_interval": "weekly", "run_hour": 6, "refresh_window": 3, "run_weekday": 7}],
        "accounts": [{"account_id": "acc", "data_source_username": "", "login_id": 0}],
        "data_source_settings": [
            {"field_id": "path", "value": "/data/a=b.csv"},
            {"field_id": "delay_ms", "value": 5},
            {"field_id": "token", "value": "s3cret"},
        ],
    }


def test_without_a_schedule_there_is_none_and_a_table_group_is_taken_as_it_is(
    command: Command, server: Answering
) -> None:
    server.on("POST", "/teams/7/transfers", {"transfer_id": 3, "transfer_name": "T"})
    words = ["T", "--source", "FILES", "--destination", "5", "--table-group", "9", "--no-test"]
    assert command("transfer", "create", *words).code == 0
    (body,) = server.bodies("POST")
    assert (body["schedule"], body["schema_id"]) == ([], 9)


def test_a_table_group_that_is_left_of_another_transfer_is_in_nobodys_way(command: Command, server: Answering) -> None:
    words = ["Weather", "--source", "FILES", "--destination", "5", "--table", "a", "--no-test"]
    server.on("POST", "/teams/7/transfers", {"transfer_id": 3, "transfer_name": "Weather"})
    server.refuse("POST", "/table/group/import", 422, "SCHEMA_NAME_DUPLICATE", "There is one.")
    server.then("POST", "/table/group/import", {"group_id": "tg_9", "schema_id": 9})
    assert command("transfer", "create", *words).code == 0
    first, second, transfer = server.bodies("POST")
    assert (first["group"]["group_name"], second["group"]["group_name"]) == ("Weather", "Weather 2")
    assert (transfer["schema_id"], transfer["display_name"]) == (9, "Weather")


def test_any_other_refusal_of_the_tables_is_told(command: Command, server: Answering) -> None:
    words = ["Weather", "--source", "FILES", "--destination", "5", "--table", "a b"]
    server.refuse("POST", "/table/group/import", 422, "SCHEMA_TABLE_NAME_INVALID", "Rename it.")
    ran = command("transfer", "create", *words)
    assert (ran.code, len(server.asked), "Rename it." in ran.err) == (1, 1, True)
    server.refuse("POST", "/table/group/import", 422, "SCHEMA_NAME_DUPLICATE", "There is one.")
    ran = command("transfer", "create", *words)
    assert (ran.code, "Give the transfer another name" in ran.err) == (1, True)


def test_a_new_transfer_stays_whose_source_cannot_be_read_and_that_is_said(command: Command, server: Answering) -> None:
    words = ["T", "--source", "FILES", "--destination", "5", "--table-group", "9", "--quiet"]
    server.on("POST", "/teams/7/transfers", {"transfer_id": 3, "transfer_name": "T"})
    server.on("POST", "/x/v1/teams/7/transfers/3/test", {"success": False, "error": "There is no /data/w.csv."})
    ran = command("transfer", "create", *words)
    assert (ran.code, json.loads(ran.out)["transfer_id"]) == (0, 3)
    assert "Warning: the source cannot be read now: There is no /data/w.csv.\n" in ran.err
    assert "`dayfill transfer test 3`" in ran.err
    server.refuse("POST", "/x/v1/teams/7/transfers/3/test", 429, "TOO_MANY_REQUESTS", "4 tests are under way.")
    ran = command("transfer", "create", *words)
    assert ran.code == 0
    assert ran.err.startswith("Warning: nobody has looked at the source: 4 tests are under way.")


def test_the_source_of_a_transfer_is_tested(command: Command, server: Answering) -> None:
    server.on("GET", "/teams/7/transfers", [{"dwh_transfer_id": 3, "display_name": "Weather"}])
    answers = {"success": True, "error": None}, {"success": False, "error": "There is no /data/w.csv."}
    server.on("POST", "/x/v1/teams/7/transfers/3/test", *answers)
    assert json.loads(command("transfer", "test", "Weather").out) == answers[0]
    ran = command("transfer", "test", "Weather")
    assert (ran.code, json.loads(ran.out)) == (1, answers[1])
    assert "The source cannot be read: There is no /data/w.csv." in ran.err


def test_pause_resume_run_and_delete(command: Command, server: Answering) -> None:
    server.bare("PUT", "/teams/7/transfers/3/state", {"result": True, "state": "PAUSED"})
    server.on("POST", "/x/v1/teams/7/transfers/3/runs", {"run_ids": [1], "dates": ["2024-01-01"], "joined": []})
    server.bare("DELETE", "/teams/7/transfers/3", None, 204)
    assert json.loads(command("transfer", "pause", "3").out) == {"result": True, "state": "PAUSED"}
    assert command("transfer", "resume", "3").code == 0
    assert server.bodies("PUT") == [{"transfer_state": "pause"}, {"transfer_state": "unpause"}]
    assert json.loads(command("transfer", "run", "3").out)["run_ids"] == [1]
    assert command("transfer", "delete", "3").code == 64
    deleted = command("transfer", "delete", "3", "--yes")
    assert (deleted.code, deleted.out) == (0, "")


def test_a_destination_is_tested_with_what_is_stored(command: Command, server: Answering) -> None:
    settings = [{"id": "path", "value": "/data/w.duckdb"}, {"id": "schema", "value": None}]
    info = {"id": 5, "display_name": "warehouse", "destination_type": TYPE, "edit_settings": settings}
    server.on("GET", "/teams/7/destinations/5", info)
    server.on("POST", "/teams/7/destinations/test-connection", {"success": True, "error": None})
    assert command("destination", "test", "5").code == 0
    assert server.bodies("POST") == [
        {"display_name": "warehouse", "type": "DWH_DUCKDB", "fields": {"path": "/data/w.duckdb"}, "destination_id": 5}
    ]
    server.on("POST", "/teams/7/destinations/test-connection", {"success": False, "error": "The file is held."})
    ran = command("destination", "test", "5")
    assert (ran.code, json.loads(ran.out)["success"]) == (1, False)
    assert "The file is held." in ran.err


def test_create_list_and_delete_a_destination(command: Command, server: Answering) -> None:
    server.on("POST", "/teams/7/destinations", {"id": 5})
    server.on("GET", "/teams/7/destinations", [{"id": 5, "display_name": "warehouse", "type": "DWH_DUCKDB"}])
    server.bare("DELETE", "/teams/7/destinations/5", None, 204)
    field = ["--field", "path=/w.duckdb", "--field", "wide:=true"]
    assert command("destination", "create", "warehouse", "--type", "DWH_DUCKDB", *field).code == 0
    assert server.bodies("POST") == [
        {"type": "DWH_DUCKDB", "display_name": "warehouse", "fields": {"path": "/w.duckdb", "wide": True}}
    ]
    assert command("destination", "list", "-o", "table").out.split()[-3:] == ["5", "warehouse", "DWH_DUCKDB"]
    assert command("destination", "delete", "warehouse", "-y").code == 0


def test_sources_are_listed_by_their_ids(command: Command, server: Answering) -> None:
    sources = [{"data_source_id": "FILES", "service_name": "Files", "applicable_destinations": ["DWH_DUCKDB"]}]
    body = {"data_sources": sources, "destinations": [], "destination_types": [TYPE]}
    server.bare("GET", "/teams/7/transfers/available-sources", body)
    assert "FILES  Files  " in command("source", "list", "-o", "table").out
    assert json.loads(command("source", "list", "--destinations").out) == [TYPE]
