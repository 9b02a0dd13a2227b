"""The result of one call is not to be seen for a while, as where AWS is eventually consistent: reads of that service answer as they did
before the call, lists lack what it made, whatever names that is told that there is no such thing. It ends after MEETINGS such answers, or SECONDS
of AWS's.
https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html"""
import json
import re
from urllib.parse import parse_qsl
from xml.etree import ElementTree

from . import fault_answers
from .waits import clock

MEETINGS = 4
SECONDS = 15
READS = re.compile(r"(Describe|Get|List|Head)")
EC2_ID = re.compile(rb"\b(?:vpc|subnet|sg|igw|rtb|rtbassoc|i|vol|eni)-[0-9a-f]{8,17}\b")
ARN = re.compile(rb"arn:aws:[a-z]+:[^<\"\s]+")
# What a call makes under a name that the caller chose.
NAMED = {
    "ImportKeyPair": "KeyName",
    "CreateLoadBalancer": "LoadBalancerName",
    "CreateRole": "RoleName",
    "CreateInstanceProfile": "InstanceProfileName",
}
REQUEST_ID = re.compile(rb"<(requestId|RequestId|RequestID)>[^<]*<")


# A list is asked for by what it may hold: what is not there it does not name.
FILTER = re.compile(r"Filter\.\d+\.")


def values_of(call):
    """Every value by which a request names something, whatever its protocol."""
    text = "" if call.service == "s3" else (call.body or b"").decode(errors="replace")
    found = {part for part in call.path.split("/") if part}
    found |= {one for value in (call.query or {}).values() for one in (value if isinstance(value, list) else [value])}
    if text.startswith("{"):
        found |= {value for value in json.loads(text).values() if isinstance(value, str)}
    else:
        found |= {value for name, value in parse_qsl(text) if not FILTER.match(name)}
    return found


def made_by(call, answer):
    name, values = call.action.partition(":")[2], values_of(call)
    if call.service == "s3" or name == "CreateSchedule":
        return {call.path.strip("/").split("/")[-1]} if name in ("CreateBucket", "CreateSchedule") else set()
    if not re.match("Create|Run|Import|Associate|Start", name):
        return set()
    found = {one.decode() for one in (EC2_ID if call.service == "ec2" else ARN).findall(answer[2])} - values
    if field := NAMED.get(name):
        found |= {value for key, value in parse_qsl((call.body or b"").decode()) if key == field}
    return found


def without(names, body):
    """The list's members that hold one of the names are left out; the innermost, where one is within another."""
    root = ElementTree.fromstring(body)
    ElementTree.register_namespace("", root.tag[1:].partition("}")[0] if root.tag.startswith("{") else "")
    for parent in list(root.iter()):
        for member in list(parent):
            if member.tag.rpartition("}")[2] in ("item", "member") and any(leaf.text in names for leaf in member):
                parent.remove(member)
    return ElementTree.tostring(root)


class Unseen:
    def __init__(self, tell):
        """`tell` is called with each call that did not see the effect."""
        self.tell = tell
        self.before = {}
        self.names = set()
        self.service = None
        # Both are set when the call is made.
        self.left = 0
        self.until = 0

    def reads(self, call):
        return READS.match(call.action.partition(":")[2]) or call.method in ("GET", "HEAD")

    def key(self, call):
        return call.service, call.action, call.method, call.path, repr(sorted((call.query or {}).items())), call.body

    async def hide(self, call, do):
        """The call itself: its effect is there, and is not to be seen from now on."""
        answer = await do()
        if not self.left and answer[0] < 300:
            self.service, self.names = call.service, made_by(call, answer)
            self.left, self.until = MEETINGS, clock.now() + SECONDS
        return answer

    async def look(self, call, do):
        hidden = self.left > 0 and clock.now() < self.until
        if hidden and (named := self.names & values_of(call)) and not re.match("Create|Import", call.action.partition(":")[2]):
            self.meet(call)
            return fault_answers.unknown(call.service, call.action.partition(":")[2], sorted(named)[0])
        answer = await do()
        if not self.reads(call):
            return answer
        if not self.until:
            self.before[self.key(call)] = answer[0], dict(answer[1]), answer[2]
        return self.stale(call, answer) if hidden and call.service == self.service else answer

    def meet(self, call):
        self.left -= 1
        self.tell(call)

    def stale(self, call, answer):
        before = self.before.get(self.key(call))
        if before and REQUEST_ID.sub(b"", before[2] or b"") != REQUEST_ID.sub(b"", answer[2] or b""):
            self.meet(call)
            return before[0], dict(before[1]), before[2]
        if not before and answer[0] < 300 and any(name.encode() in (answer[2] or b"") for name in self.names):
            self.meet(call)
            return answer[0], answer[1], without(self.names, answer[2])
        return answer
