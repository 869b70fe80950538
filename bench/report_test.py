# SPDX-License-Identifier: Apache-2.0
"""What one machine measures leaves in the report what others did."""

import report

ROWS = [("start", "≤ 30 ms", ("20 ms", "reached")), ("a put", "≥ 3", ("2.0", "**short**"))]
SECTIONS = ["## Start\n\n35 ms\n\n<sub>measured Monday</sub>", "## S3\n\nslow\n\n<sub>measured Monday; a quick run</sub>"]
NOTES = "## Notes\n\nold\n"
FIRST = report.merge("", "2 cores", ROWS, SECTIONS, NOTES)


def test_a_first_report_has_it_all_in_order():
    assert FIRST == (
        "# Measurements\n\n" + report.HEAD.format("2 cores") + "\n\n## Against the targets\n\n"
        "| | target | measured | |\n| --- | --- | ---: | --- |\n"
        "| start | ≤ 30 ms | 20 ms | reached |\n| a put | ≥ 3 | 2.0 | **short** |\n\n"
        "## Start\n\n35 ms\n\n<sub>measured Monday</sub>\n\n"
        "## S3\n\nslow\n\n<sub>measured Monday; a quick run</sub>\n\n## Notes\n\nold\n"
    )


def test_nothing_new_changes_nothing():
    assert report.merge(FIRST, "2 cores", [(w, t, None) for w, t, _ in ROWS], [], NOTES) == FIRST


def test_what_is_new_takes_its_place_and_the_rest_stays():
    rows = [("start", "≤ 30 ms", ("19 ms", "reached")), ("a put", "≥ 3", None), ("a get", "≥ 3", None)]
    new = ["## Start\n\n34 ms\n\n<sub>measured Friday</sub>", "## Store\n\nfast\n\n<sub>measured Friday</sub>"]
    assert report.merge(FIRST, "2 cores", rows, new, "## Notes\n\nnew\n") == (
        FIRST.replace("35 ms", "34 ms")
        .replace("20 ms", "19 ms")
        .replace("Monday</sub>", "Friday</sub>", 1)
        .replace("**short** |\n", "**short** |\n| a get | ≥ 3 |  | not measured |\n")
        .replace("## Notes\n\nold", "## Store\n\nfast\n\n<sub>measured Friday</sub>\n\n## Notes\n\nnew")
    )


def test_a_row_whose_target_changed_is_not_measured():
    assert "| a put | ≥ 4 |  | not measured |" in report.merge(FIRST, "2 cores", [("a put", "≥ 4", None)], [], NOTES)


def test_what_another_machine_measured_says_so_once():
    new = ["## Start\n\n9 ms\n\n<sub>measured Friday</sub>"]
    second = report.merge(FIRST, "8 cores", [], new, NOTES)
    assert "on 8 cores. Each peer" in second
    assert "<sub>measured Friday</sub>" in second
    assert "<sub>measured Monday; a quick run on 2 cores</sub>" in second
    third = report.merge(second, "4 cores", [], [], NOTES)
    assert "<sub>measured Friday on 8 cores</sub>" in third
    assert "<sub>measured Monday; a quick run on 2 cores</sub>" in third
