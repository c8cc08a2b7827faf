"""What people write in the simulated quarter: small templates of our own, filled with places, devices and programs.

Slots: ``{place}``, ``{device}``, ``{app}``, ``{name}`` (the requester's first name), ``{agent}`` (the agent's).
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple


class Topic(NamedTuple):
    """The words of one topic.

    Attributes:
        subjects, bodies: Of the ticket.
        incident: Subject when many have it at once.
        questions: What the agent asks back.
        findings: What goes into notes.
        cures: How it was solved.
    """

    subjects: Sequence[str]
    bodies: Sequence[str]
    incident: str
    questions: Sequence[str]
    findings: Sequence[str]
    cures: Sequence[str]


PLACES: Final = (
    "reception", "the second floor", "the warehouse", "meeting room Elm", "the workshop", "the branch office", "home", "ward 3",
    "the loading dock", "the library", "the front desk", "building C", "the canteen", "the archive", "the sales office",
)  # fmt: skip
DEVICES: Final = (
    "laptop", "desktop", "docking station", "second screen", "headset", "tablet", "barcode scanner", "label printer",
    "phone", "projector", "badge reader", "keyboard", "webcam", "thin client",
)  # fmt: skip
APPS: Final = (
    "the calendar", "the time sheet", "the stock list", "the CRM", "the invoice tool", "the wiki", "the scanner app",
    "the booking page", "the spreadsheet add-in", "the PDF viewer", "the staff portal", "the ticket machine",
)  # fmt: skip

TOPICS: Final[Mapping[str, Topic]] = {
    "general": Topic(
        ("How do I share a folder with {place}?", "Question about {app}", "Who may use {app}?", "Booking a {device} for next week",
         "Where do I find the guide for {app}?", "Moving my desk to {place}"),
        ("Could somebody tell me how this is done? I have looked in the wiki and found two answers.",
         "It is not urgent, but we would like to have it settled this week.",
         "We start at {place} on Monday and would need to know by then."),
        "Who do I ask about {app} today?",
        ("Is this for yourself only, or for your whole team?", "Do you need it for good, or for some days?"),
        ("Asked around: this is described in the handbook, chapter 4.", "Same question as last month; the guide should be easier to find."),
        ("Sent the guide and showed the steps on the phone.", "Answered with a link to the guide, and added the missing step to it.",
         "Arranged it with {place}; the requester has a confirmation."),
    ),
    "password": Topic(
        ("Locked out of {app}", "Password expired while on leave", "New phone, no second factor any more",
         "{app} does not take my password", "Account locked again", "Cannot sign in from {place}"),
        ("I have tried three times and now it says the account is locked.", ("It worked yesterday evening. Since this morning it asks for "
         "the password again and again."), "My old phone is broken, so I cannot confirm the sign-in."),
        "Nobody at {place} can sign in",
        ("Which message do you see, word for word?", "Do you still get into {app}?", "May I call you back on the number in the directory?"),
        ("The account was locked after five failures from one address.", "Clock of the {device} was four minutes off: codes were refused.",
         "Identity confirmed by call-back."),
        ("Unlocked the account and set a one-time password.", "Registered the new phone as second factor after a call-back.",
         "Removed a saved old password from the {device}, which kept locking the account."),
    ),
    "onboarding": Topic(
        ("New colleague at {place} from the first of the month", "Leaver: please close the accounts", "Access to {app} for a new starter",
         "Intern needs a {device}", "Change of department: new rights"),
        ("Please prepare account, {device} and access to {app}. The manager has agreed.", ("Last working day is Friday. The mailbox "
         "should go to the team."), "Same rights as the colleagues at {place}, please."),
        "Whole class of new starters has no access to {app}",
        ("Who is the manager, and has he agreed?", "Which of the two role templates applies?", "When exactly is the first day?"),
        ("Template for {place} is out of date: {app} is missing in it.", "HR's list names another first day; asked for the right one."),
        ("Account and {device} are ready; the first password went to the manager.", ("Accounts are closed, the mailbox is shared with "
         "the team for 90 days."), "Rights copied from the role template; {app} added by hand."),
    ),
    "network": Topic(
        ("The VPN drops every ten minutes", "No network at {place}", "Wireless is slow at {place}", "VPN connects, but {app} does not open",
         "Video calls freeze at {place}", "New wall socket at {place} is dead"),
        ("Since this morning, on every network I have tried.", ("The {device} shows full signal but nothing loads. Colleagues next to me "
         "are fine."), "It gets better after a restart and then comes back after a while."),
        "Network outage at {place}",
        ("Does it also happen with a cable?", "Which address does the {device} show?", "Since when, and does it come back by itself?"),
        ("Packet loss of 4% on the uplink of {place}.", "Access point has not taken the last firmware.", ("Lease pool was used up to the last "
         "address."), "Certificate of the VPN gateway is fine; the client is two versions old."),
        ("Replaced the patch cable and moved the port.", "Updated the VPN client; stable for an hour now.", ("Widened the address pool and "
         "restarted the access point."), "Provider had a fault on the line; it is repaired and measured."),
    ),
    "mail": Topic(
        ("Mails to one customer come back", "Shared mailbox is missing in {app}", "Mail arrives with hours of delay",
         "Cannot send attachments over 10 MB", "Newsletter of ours lands in spam", "Out-of-office reply is still on"),
        ("The bounce says that our address is on a list. I attach the text below.", "It concerns everybody at {place}.",
         "The customer swears it was sent at nine; we got it at two."),
        "Nobody at {place} can send mail",
        ("Could you send me the full text of the bounce?", "Is it the same in the web client?", "Which address did you write to?"),
        ("Queue on the relay was full of retries to one domain.", "SPF record does not name the newsletter's sender.",
         "The mailbox is at 99% of its quota."),
        ("Renewed the relay's certificate and flushed the queue.", "Added the sender to our SPF record; test mail arrived.",
         "Archived old mail and raised the quota.", "Set the sharing right anew; the mailbox is back in {app}."),
    ),
    "security": Topic(
        ("Suspicious mail asks for my password", "Clicked a link that I should not have", "Lost {device} on the train",
         "Unknown sign-in reported for my account", "USB stick found at {place}"),
        ("It looks like it comes from us, but the address is odd.", "I closed the page at once. Nothing was typed in, I believe.",
         "The {device} was switched off, the disk is encrypted as far as I know."),
        "Wave of phishing mail at {place}",
        ("Did you enter anything on the page?", "When did you last have the {device}?", "Please forward it as an attachment, not inline."),
        ("Link leads to a page that was taken down an hour ago.", "Sign-in came from the mobile carrier's address: harmless.",
         "Disk encryption confirmed in the inventory."),
        ("Sender blocked, all copies of the mail removed.", "Sessions ended, password changed, no sign of misuse.",
         "Wiped the {device} from afar and replaced it."),
    ),
    "hardware": Topic(
        ("My {device} does not start", "{device} at {place} is broken", "Battery lasts twenty minutes", "Screen flickers at {place}",
         "Coffee over the {device}", "{device} makes a grinding noise"),
        ("Nothing on the screen, one light blinks three times.", "I have tried another socket and another cable.",
         "It is about four years old and has been getting worse."),
        "All {device}s at {place} fail after the update",
        ("What is the inventory number on the sticker?", "Does it charge with a colleague's cable?", "Can you bring it round, or shall we come?"),
        ("Under guarantee until next spring.", "Spare part is not in stock, ordered it.", "Swapped memory modules: the second is faulty."),
        ("Replaced the {device} from stock; data restored.", "Battery changed under guarantee.", "Vendor's engineer replaced the board.",
         "Reseated the cable in the docking station; ran a full test."),
    ),
    "printing": Topic(
        ("Printer at {place} jams", "Print jobs vanish", "Labels are printed askew", "Scan to mail does not work at {place}",
         "Toner low at {place}", "Prints in colour are charged to the wrong team"),
        ("Paper gets stuck in tray 2 about every tenth page.", "The queue says done, but nothing comes out.",
         "We need it for the delivery notes, so it hurts."),
        "No printing at {place}",
        ("Is it only from {app}, or from everywhere?", "Which tray?", "Could you send a photo of the label?"),
        ("Feed roller is worn; part ordered.", "Queue pointed at the old server.", "Driver scales labels to A4."),
        ("Changed the feed roller and cleaned the path.", "Moved the queue to the new server.", ("Set label size in the driver; test sheet "
         "is straight."), "Renewed the scan account's password."),
    ),
    "software": Topic(
        ("{app} crashes when I open a file", "Update of {app} fails", "Need {app} on a second {device}", "{app} shows wrong dates",
         "Licence for {app} has run out", "{app} is in the wrong language"),
        ("It closes without a message as soon as I click on the file from {place}.", "The update stops at 80% and rolls back.",
         "I need it by Thursday for the month's end."),
        "{app} is down for everybody",
        ("Which version do you see under Help?", "Does it happen with a new file, too?", "May I connect to your {device}?"),
        ("Crash log names the add-in, not {app} itself.", "Licence server counts three devices for this user.",
         "Works with a fresh profile."),
        ("Reset the profile; {app} opens the file now.", "Installed the update by hand after removing the add-in.",
         "Assigned a free licence.", "Corrected the regional settings."),
    ),
    "erp": Topic(
        ("Invoice cannot be posted", "Order is stuck in approval", "Stock at {place} does not match", "Wrong VAT on an order",
         "Month-end report takes an hour", "Supplier appears twice"),
        ("It says the period is closed, but it is not.", "The approver is on leave and nobody else sees it.",
         "The difference is exactly one delivery note."),
        "Nobody can post invoices",
        ("What is the document's number?", "Since which posting is it wrong?", "Who approved it last?"),
        ("Approval rule has no deputy.", "A delivery was booked to the wrong store.", "Report reads ten years instead of one: an index is missing."),
        ("Set a deputy in the approval rule; the order went through.", "Reversed and booked anew on the right store.",
         "Vendor delivered a fix; report takes two minutes now.", "Merged the two supplier records."),
    ),
}  # fmt: skip

GREETINGS: Final = ("Hello {name},", "Dear {name},", "Good morning {name},", "Hi {name},")
ACKNOWLEDGED: Final = (
    "thank you for your message. We are looking into it.", "I have taken this over and will get back to you today.",
    "thanks, that is a good description. Give me an hour.",
)  # fmt: skip
CHASED: Final = (
    "is there any news? I still need your answer to go on.", "I have not heard from you; does it work again?",
)  # fmt: skip
ANSWERS: Final = (
    "Yes, exactly.", "It is still the same here.", "I have attached what you asked for.", "With the cable it works, without it does not.",
    "Only since the weekend.", "It says error 0x{number}.", "Please call me before noon, then I can show you.", "No, only this one.",
    "I tried it again just now: no change.", "The number is {number}.",
)  # fmt: skip
MORE: Final = (
    "One more thing: it also happens to a colleague.", "It has become worse, by the way.", "Could somebody have a look before lunch?",
    "I can work around it for now, so no hurry.",
)  # fmt: skip
SIGNED: Final = ("{agent}", "Kind regards, {agent}", "Best, {agent}")
VENDOR: Final = (
    "waiting for the vendor",
    "waiting for a spare part",
    "the provider works on the line",
    "ordered; arrives in some days",
)
CUSTOMER: Final = ("waiting for the customer", "waiting for the requester's answer", "asked for details")
BACK: Final = (
    "The part has arrived.",
    "Vendor says it is fixed on their side.",
    "Provider reports the line as repaired.",
)
HANDED: Final = (
    "You know this system better than I do.", "Same as the one you solved last week, I think.", "I am off tomorrow; could you take it?",
    "Please have a look: the log says more to you than to me.", "Customer asked for you.",
)  # fmt: skip
EMERGENCY: Final = (
    "Emergency: please take this first.", "Many people are standing still; can you look at once?", "Sev-A, the customer is on the phone.",
)  # fmt: skip
MOVED: Final = ("Not ours: please have a look.", "This belongs to you.", "Our part is done; the rest is yours.")
RAISED: Final = ("More people have it than we thought.", "Deadline tomorrow.", "The customer cannot work.")
LOWERED: Final = ("There is a workaround.", "Can wait until next week, says the customer.")
ESCALATED: Final = (
    "No progress for days; I need help here.",
    "Customer complains, please decide.",
    "Vendor does not react.",
)
SEEN: Final = ("I have called the customer.", "Talked to the vendor's manager.", "Go on with it, I follow up.")
AGAIN: Final = (
    "Sorry, it is back.", "It worked for a day, and now it is the same again.", "That did not solve it.", ("Please open this again: it has not "
    "changed."),
)  # fmt: skip
THANKED: Final = ("Works again, thank you!", "Solved, thanks for the quick help.", "Perfect, thank you.")
UNANSWERED: Final = (
    "No answer from the requester; taken as solved.",
    "Asked twice without an answer; closing this for now.",
)
