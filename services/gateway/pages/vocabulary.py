"""The API's own keys in words: statuses, kinds of events, columns of reports, members of configured entries.

`words` (render.py) looks here; a key that is not here is somebody's own (a plan, an imported activity) and is shown as it is.
"""

from services.gateway.pages.language import N_

_TICKETS = {
    "new": N_("New"), "open": N_("Open"), "on_hold": N_("On hold"), "resolved": N_("Resolved"), "closed": N_("Closed"), "merged": N_("Merged"),
    "low": N_("Low"), "normal": N_("Normal"), "high": N_("High"), "emergency": N_("Emergency"),
    "Sev-A": N_("Sev-A"), "Sev-B": N_("Sev-B"), "Sev-C": N_("Sev-C"),
    "related": N_("Related"), "parent": N_("Parent"), "child": N_("Child"), "duplicate": N_("Duplicate"),
    "web": N_("Web"), "api": N_("API"), "mail": N_("Mail"), "ingress": N_("Other system"),
    "first_response": N_("First response"), "next_update": N_("Next update"), "resolution": N_("Resolution"), "taken_on": N_("Somebody has it"),
    "met": N_("met"), "met late": N_("met late"),
}  # fmt: skip
_EVENTS = {
    "created": N_("Created"), "message_received": N_("Message received"), "noted": N_("Noted"), "replied": N_("Replied"),
    "auto_replied": N_("Auto replied"), "started": N_("Started"), "held": N_("Held"), "resumed": N_("Resumed"), "reopened": N_("Reopened"),
    "acknowledged": N_("Acknowledged"), "assigned": N_("Assigned"), "unassigned": N_("Unassigned"), "transferred": N_("Transferred"),
    "referred": N_("Referred"), "referral_withdrawn": N_("Referral withdrawn"), "queued": N_("Queued"), "rule_applied": N_("Rule applied"),
    "prioritised": N_("Prioritised"), "escalated": N_("Escalated"), "close_warned": N_("Close warned"), "edited": N_("Edited"),
    "message_edited": N_("Message edited"), "fields_changed": N_("Fields changed"), "linked": N_("Linked"), "unlinked": N_("Unlinked"),
    "unmerged": N_("Unmerged"), "split_off": N_("Split off"), "collaborator_added": N_("Collaborator added"),
    "collaborator_removed": N_("Collaborator removed"), "personal_erased": N_("Personal erased"), "rated": N_("Rated"),
    "restated": N_("Restated"), "sla_scheduled": N_("Sla scheduled"), "sla_warned": N_("Sla warned"), "sla_breached": N_("Sla breached"),
    "sla_met": N_("Sla met"), "state_changed": N_("State changed"), "tagged": N_("Tagged"), "task_added": N_("Task added"),
    "task_changed": N_("Task changed"), "task_done": N_("Task done"), "task_dropped": N_("Task dropped"), "task_reopened": N_("Task reopened"),
    "time_logged": N_("Time logged"), "time_removed": N_("Time removed"), "watched": N_("Watched"), "unwatched": N_("Unwatched"),
}  # fmt: skip
_PEOPLE = {
    "requester": N_("Requester"), "agent": N_("Agent"), "lead": N_("Lead"), "analyst": N_("Analyst"), "administrator": N_("Administrator"),
    "system": N_("System"), "person": N_("Person"), "customer": N_("Customer"), "nobody": N_("Nobody"),
}  # fmt: skip
_OWNERS = {
    "intake": N_("Intake"), "routing": N_("Routing"), "workflow": N_("Workflow"), "knowledge": N_("Knowledge"), "gateway": N_("Gateway"),
    "reporting": N_("Reporting"), "notify": N_("Notify"), "policy": N_("Policy"),
}  # fmt: skip
_KINDS = {
    "account": N_("Account"), "api_key": N_("API key"), "article": N_("Article"), "article_rating": N_("Article rating"), "bulk": N_("Bulk"),
    "calendar": N_("Calendar"), "canned_reply": N_("Canned reply"), "category": N_("Category"), "credential": N_("Credential"),
    "department": N_("Department"), "field": N_("Field"), "identity": N_("Identity"), "lifecycle": N_("Lifecycle"),
    "organisation": N_("Organisation"), "queue": N_("Queue"), "role": N_("Role"), "rule": N_("Rule"), "session": N_("Session"),
    "sla_plan": N_("SLA plan"), "team": N_("Team"), "ticket": N_("Ticket"), "topic": N_("Topic"), "topic_route": N_("Topic route"),
    "SLA plan": N_("SLA plan"), "topic route": N_("Topic route"), "canned reply": N_("Canned reply"),
}  # fmt: skip
_CONFIGURED = {
    "after": N_("After"), "all": N_("All"), "any": N_("Any"), "assignment": N_("Assignment"), "away": N_("Away"), "body": N_("Body"),
    "bool": N_("Yes or no"), "capacity": N_("Capacity"), "changes": N_("Changes"), "channel": N_("Channel"), "choice": N_("Choice"),
    "choices": N_("Choices"), "contains": N_("Contains"), "country": N_("Country"), "date": N_("Date"), "days": N_("Days"),
    "decimal": N_("Decimal"), "departments": N_("Departments"), "domains": N_("Domains"), "due": N_("Due"), "email": N_("Email"),
    "empty": N_("Empty"), "end": N_("End"), "ends": N_("Ends"), "equals": N_("Equals"), "fields": N_("Fields"), "filled": N_("Filled"),
    "help": N_("Help"), "hours": N_("Hours"), "integer": N_("Integer"), "internal": N_("Internal"), "is": N_("Is"), "is_not": N_("Is not"),
    "key": N_("Key"), "ladder": N_("Ladder"), "least_loaded": N_("Least loaded"), "login": N_("Login"), "manager": N_("Manager"),
    "match": N_("Match"), "matches": N_("Matches"), "members": N_("Members"), "memo": N_("Memo"), "message": N_("Message"),
    "minutes": N_("Minutes"), "name": N_("Name"), "not_contains": N_("Not contains"), "not_ends": N_("Not ends"),
    "not_equals": N_("Not equals"), "not_matches": N_("Not matches"), "not_starts": N_("Not starts"), "on_call": N_("On call"),
    "op": N_("Op"), "order": N_("Order"), "own": N_("Own"), "pause_on_hold": N_("Pause on hold"), "permissions": N_("Permissions"),
    "priorities": N_("Priorities"), "priority": N_("Priority"), "public": N_("Public"), "required_to_close": N_("Required to close"),
    "roles": N_("Roles"), "round_robin": N_("Round robin"), "sees": N_("Sees"), "severities": N_("Severities"), "severity": N_("Severity"),
    "shared": N_("Shared"), "shifts": N_("Shifts"), "shown_when": N_("Shown when"), "since": N_("Since"), "skill": N_("Skill"), "skill_least_load": N_("Skill and least load"),
    "skills": N_("Skills"), "special": N_("Special"), "start": N_("Start"), "starts": N_("Starts"), "status": N_("Status"),
    "sticky": N_("Sticky"), "stop": N_("Stop"), "strategy": N_("Strategy"), "subdivision": N_("Subdivision"), "subject": N_("Subject"),
    "tags": N_("Tags"), "targets": N_("Targets"), "tests": N_("Tests"), "text": N_("Text"), "time": N_("Time"), "topics": N_("Topics"),
    "type": N_("Type"), "unanswered": N_("Unanswered"), "updated": N_("Updated"), "value": N_("Value"), "values": N_("Values"),
    "visibility": N_("Visibility"), "visible": N_("Visible"), "editable": N_("Editable"), "required": N_("Required"),
    "warn_percent": N_("Warn percent"), "when": N_("When"), "zone": N_("Zone"), "active": N_("Active"), "actions": N_("Actions"),
    "add_tags": N_("Add tags"), "remove_tags": N_("Remove tags"), "sla": N_("SLA"), "note": N_("Note"), "reply": N_("Reply"),
    "hold": N_("Hold"), "resume": N_("Resume"), "resolve": N_("Resolve"), "close": N_("Close"), "reopen": N_("Reopen"),
    "acknowledge": N_("Acknowledge"), "prioritise": N_("Prioritise"), "branding": N_("Branding"), "lifecycle": N_("Lifecycle"),
    "escalate": N_("Escalate"), "notify_agents": N_("Notify"), "watch": N_("Watch"), "reject": N_("Reject"),
    "raise_priority": N_("Raise priority"), "reassign": N_("Reassign"), "reopen_days": N_("Reopen days"), "auto_claim": N_("Auto claim"),
    "close_days": N_("Close days"), "close_warning_days": N_("Close warning days"), "guests_read": N_("Guests read"),
    "mon": N_("Mon"), "tue": N_("Tue"), "wed": N_("Wed"), "thu": N_("Thu"), "fri": N_("Fri"), "sat": N_("Sat"), "sun": N_("Sun"),
    "calendar_key": N_("Calendar"), "person_id": N_("Person id"), "verb": N_("Verb"), "to": N_("To"), "by": N_("By"), "states": N_("States"),
    "moves": N_("Moves"), "holder": N_("Holder"), "owner": N_("Owner"), "filters": N_("Filters"), "columns": N_("Columns"), "sort": N_("Sort"),
    "share": N_("Share"), "acts_for": N_("Acts for"), "expires_at": N_("Expires at"), "reason": N_("Reason"), "locked": N_("Locked"),
    "door": N_("Door"), "issuer": N_("Issuer"), "enabled": N_("Enabled"), "title": N_("Title"), "summary": N_("Summary"),
    "keywords": N_("Keywords"), "language": N_("Language"), "draft": N_("Draft"), "withdrawn": N_("Withdrawn"), "assignee": N_("Assignee"),
    "external_id": N_("External id"), "created_at": N_("Created at"), "score": N_("Score"), "state": N_("State"), "tag": N_("Tag"),
    "requester.email": N_("Requester's address"), "requester.name": N_("Requester's name"), "comment": N_("Comment"),
    "description": N_("Description"), "until": N_("Until"), "add": N_("Add"), "remove": N_("Remove"), "into": N_("Into"),
}  # fmt: skip
_REPORTS = {
    "case_duration": N_("First event to last"), "first_event->first_resolved": N_("First event to first resolved"),
    "first_event->first_closed": N_("First event to first closed"), "activities": N_("Activities"), "activity": N_("Activity"), "rows": N_("Rows"), "cases": N_("Cases"), "agents": N_("Agents"),
    "acts": N_("Acts"), "backlog": N_("Backlog"), "at": N_("At"), "unresolved": N_("Unresolved"), "durations": N_("Durations"),
    "count": N_("Count"), "mean": N_("Mean"), "median": N_("Median"), "p90": N_("P90"), "p95": N_("P95"), "day": N_("Day"),
    "kind": N_("Kind"), "reopens": N_("Reopens"), "from": N_("From"), "transitions": N_("Transitions"), "volumes": N_("Volumes"),
}  # fmt: skip
WORDS = {**_TICKETS, **_EVENTS, **_PEOPLE, **_OWNERS, **_KINDS, **_CONFIGURED, **_REPORTS}
