"""The explorer's part of the page."""

import json
import re
from html import unescape

from ttvos.plan.manifest import load_manifest
from ttvos.report.explorer.copy import page_data
from ttvos.report.page import environment


def part(manifest) -> str:
    head = '{% import "parts.html.j2" as parts with context %}'  # as the page has it
    template = environment().from_string(head + '{% include "explorer.html.j2" %}')
    return template.render(manifest=manifest, explorer=page_data(manifest))


def test_the_page_names_the_data_sets_and_explains_the_attributes(explored_run):
    text = part(load_manifest(explored_run).manifest)
    found = json.loads(unescape(re.search(r'data-explorer="([^"]*)"', text)[1]))
    assert found["sets"] == [{"name": "tiny", "label": "tiny"}]
    assert found["attributes"]["OCC"] == "occlusion"


def test_the_script_loads_nothing_from_elsewhere(explored_run):
    text = part(load_manifest(explored_run).manifest)
    addresses = re.findall(r"https?://[^\s\"'`]+", text)
    assert addresses == ["http://www.w3.org/2000/svg"]  # the name of a kind of document
    assert "fetch(" not in text
    assert text.count("</script>") == 1
    assert len(text) < 40_000


def test_without_data_there_is_no_such_part(rendered):
    assert 'id="explore"' not in (rendered / "index.html").read_text()
