"""Configuration as one file: exported, as of a day, and rules tried on past tickets."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import yaml

from ledgerdesk import organisation
from shared.service_names import OWNERS
from shared.testing.wait import wait_until
from tests.e2e.conftest import ROOT
from tests.e2e.desk import ledgerdesk, opened


def exported(stack, *more: str) -> str:
    answer = ledgerdesk(stack, "org", "export", *more)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def applied(stack, path, text: str) -> str:
    path.write_text(text)
    answer = ledgerdesk(stack, "org", "apply", str(path))
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_what_is_exported_says_what_was_applied_and_applying_it_changes_nothing(stack, tmp_path):
    path = tmp_path / "exported.yaml"
    said = applied(stack, path, exported(stack))
    assert said.split("changed: ")[1].strip() == ", ".join(f"{owner} 0" for owner in OWNERS)
    whole, example = organisation.read(path), organisation.read(ROOT / "examples" / "org.yaml")
    for section in ("departments", "topics", "organisations", "teams", "canned_replies"):
        assert {e.key: e for e in getattr(example, section)}.items() <= {
            e.key: e for e in getattr(whole, section)
        }.items(), section
    fields = {f.key: f.model_copy(update={"order": None}) for f in whole.fields}  # other tests' stand among them
    assert all(fields[f.key] == f for f in example.fields)
    people = {p.login: p for p in whole.people}
    assert all(people[p.login] == p for p in example.people)
    assert whole.default_department == "support"
    assert "password" not in path.read_text()


SVG = "data:image/svg+xml;base64," + base64.b64encode(b'<svg xmlns="http://www.w3.org/2000/svg"/>').decode()


def test_a_brand_goes_into_the_file_and_comes_back_with_its_images(stack, admin, tmp_path):
    path = tmp_path / "brand.yaml"
    brand = {
        "name": "Corp Help",
        "accent": "#0a7f5a",
        "logo": SVG,
        "links": [{"label": "Imprint", "url": "https://x.example"}],
    }
    said = applied(stack, path, yaml.safe_dump({"branding": brand}))
    assert "gateway 1" in said
    whole = yaml.safe_load(exported(stack))["branding"]
    assert {name: value for name, value in whole.items() if value is not None} == brand
    assert "gateway 0" in applied(stack, path, yaml.safe_dump({"branding": whole})), "applied again, it changes nothing"
    address = f"{stack.url}/brand/{hashlib.sha256(base64.b64decode(SVG.partition(',')[2])).hexdigest()}/logo"
    assert httpx.get(address, trust_env=False).headers["content-type"] == "image/svg+xml"
    for wrong, field in (
        ({"logo": "https://x.example/logo.png"}, "branding.logo"), ({"icon": SVG}, "branding.icon"), ({"accent": "green"}, "accent"),
        ({"logo": {"sha256": "0" * 64, "size": 1, "media_type": "image/png"}}, "branding.logo"), ({"links": [{"label": "x", "url": "ftp://x"}]}, "url"),
    ):  # fmt: skip
        answer = admin.put("/internal/gateway/organisation", json={"branding": {"name": "X"} | wrong})
        assert answer.status_code == 422
        assert field in answer.text
    applied(stack, path, yaml.safe_dump({"branding": {"name": "Ledgerdesk"}}))
    assert "logo" not in yaml.safe_load(exported(stack))["branding"]


def test_a_slip_in_a_name_is_told_with_its_place(stack, tmp_path):
    path = tmp_path / "slip.yaml"
    rule = {"key": "slip", "name": "x", "tests": [{"field": "subject", "op": "equals", "value": "x"}]}
    plan = {"key": "slip", "name": "x", "targets": {"resolution": 60}}
    for file, said in (
        ({"rules": [{**rule, "actions": {"sla": "goald"}}]}, "rules.slip.actions.sla: there is no SLA plan 'goald'"),
        ({"rules": [{**rule, "actions": {"reply": "helo"}}]}, "rules.slip.actions.reply: there is no canned reply 'helo'"),
        ({"sla_plans": [{**plan, "topics": ["vnp"]}]}, "sla_plans.slip.topics: there is no topic 'vnp'"),
        ({"sla_plans": [{**plan, "ladder": [{"after": 1, "reassign": "nihgt"}]}]}, "sla_plans.slip.ladder.0.reassign: there is no team 'nihgt'"),
        ({"categories": [{"key": "slip", "name": "x", "departments": ["suport"]}]}, "categories.slip.departments: there is no department 'suport'"),
        ({"canned_replies": [{"key": "slip", "name": "x", "body": "x", "departments": ["suport"]}]}, "canned_replies.slip.departments: there is no"),
    ):  # fmt: skip
        path.write_text(yaml.safe_dump(file))
        answer = ledgerdesk(stack, "org", "apply", str(path))
        assert answer.returncode != 0
        assert said in " ".join(answer.stderr.split()), answer.stderr
    assert "slip" not in exported(stack)
    rule |= {"actions": {"sla": "slip"}, "active": False}
    applied(stack, path, yaml.safe_dump({"sla_plans": [{**plan, "active": False}], "rules": [rule]}))  # in one file


def test_as_it_was(stack, tmp_path):
    key = f"d-{uuid4().hex[:6]}"
    path = tmp_path / "department.yaml"
    before = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    applied(stack, path, yaml.safe_dump({"departments": [{"key": key, "name": "New"}]}))
    assert key in exported(stack)
    assert key not in exported(stack, "--at", before)


def test_rules_are_tried_on_past_tickets_and_change_nothing(stack, admin, tmp_path):
    word = f"zeppelin{uuid4().hex[:6]}"
    mine = [opened(admin, subject=f"A {word} has landed"), opened(admin, subject="Nothing of that kind")]
    wait_until(lambda: admin.get(f"/tickets/{mine[0]}").json().get("department") == "support", message="routing")
    path = tmp_path / "rules.yaml"
    tests = [{"field": "subject", "op": "contains", "value": word}]
    new = {
        "key": "airships",
        "name": "Airships",
        "tests": tests,
        "actions": {"department": "field-service", "priority": "high"},
    }
    path.write_text(yaml.safe_dump({"rules": [new]}))
    answer = ledgerdesk(stack, "rules", "try", "--rules", str(path), "--json")
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["applied"] == {"airships": 1}
    (one,) = [tried for tried in found["differing"] if word in tried["subject"]]
    assert (one["now"]["department"], one["now"]["rules"]) == ("support", [])
    assert (one["then"]["department"], one["then"]["priority"]) == ("field-service", "high")
    assert one["then"]["agent"] == "lea"
    words = ledgerdesk(stack, "rules", "try", "--rules", str(path))
    assert "rule airships: 1 tickets" in words.stdout
    future = ledgerdesk(stack, "rules", "try", "--rules", str(path), "--from", "2100-01-01")
    assert future.stdout.endswith("0 tickets looked at, 0 would be handled otherwise\n")
    assert admin.get(f"/tickets/{mine[0]}").json()["department"] == "support"
    path.write_text("rules: [{key: x}]")
    assert "rules.0.name" in ledgerdesk(stack, "rules", "try", "--rules", str(path)).stderr
