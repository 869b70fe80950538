#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the wire to the protocol cases: run.py DRIVER [-v] [ID ...]

An input case's request must decode to its parameters; an output case's result (or error) must
encode to a response of the same status and headers whose body means the same, read back here by the
case's own shapes. Where botocore is installed its parser must read the same out of our response.
Where the cases' source is at hand (../shared), a case of it that is not here is a failure.
"""
import base64
import datetime
import email.utils
import json
import math
import re
import subprocess
import sys
import urllib.parse
import xml.etree.ElementTree as ET

import cases

SOURCE = cases.HERE.parents[3].parent / "shared" / "conformance" / "protocols"

# Cases that are not run, each with the reason.
NO_BODY = "about gzip on the client; the case gives no body to decode"
TOKEN = "the client fills the idempotency token in; to a server it is a member like any other"
UNSENT = "the client leaves an empty list or map unsent: a server cannot tell it from an absent one"
PAYLOAD = "the client sends {} for an absent structure; a server decodes an empty structure"
REST = ("rest-json", "rest-xml")
SKIP = {
    "input/json/SDKAppliedContentEncoding_awsJson1_1": NO_BODY,
    "input/json/SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1": NO_BODY,
    "input/json_1_0/SDKAppliedContentEncoding_awsJson1_0": NO_BODY,
    "input/json_1_0/SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0": NO_BODY,
    "input/query/SDKAppliedContentEncoding_awsQuery": NO_BODY,
    "input/query/SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery": NO_BODY,
    "input/query/QueryProtocolIdempotencyTokenAutoFill": TOKEN,
    "input/query/QueryEmptyQueryMaps": UNSENT,
    "input/rest-json/SDKAppliedContentEncoding_restJson1": NO_BODY,
    "input/rest-json/SDKAppendedGzipAfterProvidedEncoding_restJson1": NO_BODY,
    "input/rest-json/RestJsonQueryIdempotencyTokenAutoFill": TOKEN,
    "input/rest-json/RestJsonHostWithPath": "the path of a client's custom endpoint comes before "
                                            "the operation's own; ours is at the root",
    "input/rest-json/RestJsonHttpPrefixHeadersAreNotPresent": UNSENT,
    "input/rest-json/RestJsonOmitsEmptyListQueryValues": UNSENT,
    "input/rest-json/RestJsonHttpWithEmptyStructurePayload": PAYLOAD,
    "input/rest-json/RestJsonHttpWithHeadersButNoPayload": PAYLOAD,
    "input/rest-xml/SDKAppliedContentEncoding_restXml": NO_BODY,
    "input/rest-xml/SDKAppendedGzipAfterProvidedEncoding_restXml": NO_BODY,
    "input/rest-xml/QueryIdempotencyTokenAutoFill": TOKEN,
    "input/rest-xml/HttpPrefixHeadersAreNotPresent": UNSENT,
    "output/rest-xml/HttpPrefixHeadersAreNotPresent":
        "an empty map of headers is no header: a client cannot tell it from an absent one",
    "output/json_1_0-query-compatible/QueryCompatibleAwsJson10CustomCodeError":
        "botocore's model keeps one status, that of the query protocol (402); the case wants 400",
}
# Replies that mean the same but are written otherwise than the case's.
TREE_DIFFERS = {
    "output/rest-xml/RestXmlDateTimeWithNegativeOffset": "ours are in UTC",
    "output/rest-xml/RestXmlDateTimeWithPositiveOffset": "ours are in UTC",
    "output/rest-xml/SimpleScalarPropertiesWithXMLPreamble":
        "the case holds text between elements, for a client to ignore",
}
# What the cases' own reader here reads and botocore's parser does not.
BOTOCORE_DIFFERS = {
    "output/query/QueryXmlLists": "looks for a flattened list under its items' name",
    "output/rest-json/RestJsonHttpPayloadWithUnsetUnion": "refuses a union payload that is absent",
    "output/rest-json/HttpPrefixHeadersResponse": "an empty prefix: every header is in its map",
    "output/rest-json/RestJsonInputAndOutputWithQuotedStringHeaders": "splits quoted commas",
    "output/rest-json/RestJsonInputAndOutputWithTimestampHeaders": "splits dates at their comma",
    "output/rest-xml/BodyWithXmlName": "reads nothing of the case's own body either",
    "output/rest-xml/InputAndOutputWithTimestampHeaders": "splits dates at their comma",
    "output/rest-xml/RestXmlHttpPayloadWithUnsetUnion": "refuses a union payload that is absent",
    "output/rest-xml/XmlLists": "looks for a flattened list under its items' name",
}


# --- values by shape, in one form: base64 for blobs, milliseconds for timestamps ------------------

class Shapes:
    def __init__(self, shapes):
        self.shapes = shapes

    def of(self, name):
        return self.shapes[name]

    def canonical(self, value, name, member=None):
        """A case's parameters or result; None where there is nothing to compare."""
        s = self.of(name)
        kind = s["type"]
        if value is None:
            return None
        if kind == "structure" and not s.get("document"):
            out = {}
            for n, v in value.items():
                if n in s["members"]:
                    m = s["members"][n]
                    out[n] = self.canonical(v, m["shape"], m)
                else:
                    out[n] = v
            return {n: v for n, v in out.items() if v is not None}
        if kind == "list":
            return [self.canonical(v, s["member"]["shape"]) for v in value]
        if kind == "map":
            return {k: self.canonical(v, s["value"]["shape"]) for k, v in value.items()}
        if kind == "blob":
            return base64.b64encode(value.encode()).decode()
        if kind == "timestamp":
            return round(float(value) * 1000)
        if kind in ("float", "double"):
            return number(value)
        if kind == "string" and (member or {}).get("jsonvalue") and not isinstance(value, str):
            return json.dumps(value)
        return value

    def ours(self, value, name):
        """The driver's JSON by the model's names, in the same form."""
        s = self.of(name)
        kind = s["type"]
        if value is None:
            return None
        if kind == "structure" and not s.get("document"):
            return {n: self.ours(v, s["members"][n]["shape"]) for n, v in value.items()}
        if kind == "list":
            return [self.ours(v, s["member"]["shape"]) for v in value]
        if kind == "map":
            return {k: self.ours(v, s["value"]["shape"]) for k, v in value.items()}
        if kind == "timestamp":
            return moment(value)
        if kind in ("float", "double"):
            return number(value)
        return value

    def feed(self, value, name):
        """Canonical, for the driver: seconds for timestamps."""
        s = self.of(name)
        kind = s["type"]
        if value is None:
            return None
        if kind == "structure" and not s.get("document"):
            return {n: self.feed(v, s["members"][n]["shape"]) if n in s["members"] else v
                    for n, v in value.items()}
        if kind == "list":
            return [self.feed(v, s["member"]["shape"]) for v in value]
        if kind == "map":
            return {k: self.feed(v, s["value"]["shape"]) for k, v in value.items()}
        if kind == "timestamp":
            return value / 1000
        if kind in ("float", "double") and not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return value


def number(v):
    return float(v)


def moment(v):
    """Milliseconds of seconds, ISO 8601 or an HTTP date."""
    if isinstance(v, (int, float)) or re.fullmatch(r"-?[0-9.]+([eE][-+]?[0-9]+)?", v):
        return round(float(v) * 1000)
    if v[:3].isalpha():
        fraction = re.search(r"\.(\d+)", v)
        whole = email.utils.parsedate_to_datetime(re.sub(r"\.\d+", "", v)).timestamp()
        return round(whole * 1000) + (round(float("0." + fraction.group(1)) * 1000)
                                      if fraction else 0)
    return round(datetime.datetime.fromisoformat(v.replace("Z", "+00:00")).timestamp() * 1000)


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, str) and isinstance(b, str) and a != b:
        try:  # JSON inside a string
            return a[:1] in '{["' and json.loads(a) == json.loads(b)
        except ValueError:
            return False
    return type(a) is type(b) and a == b or (
        not isinstance(a, bool) and not isinstance(b, bool)
        and isinstance(a, (int, float)) and isinstance(b, (int, float)) and a == b)


# --- reading our responses back, by shape ----------------------------------------------------------

def xml_of(body):
    """The root element, without namespaces."""
    return ET.fromstring(re.sub(rb' xmlns(:\w+)?="[^"]*"', b"", body))


class Reader:
    def __init__(self, shapes, protocol=None):
        self.shapes, self.protocol = shapes, protocol

    def text(self, text, name):
        kind = self.shapes.of(name)["type"]
        if kind in ("integer", "long", "short", "byte"):
            return int(text)
        if kind in ("float", "double"):
            return float(text)
        if kind == "boolean":
            return {"true": True, "false": False}[text]
        if kind == "timestamp":
            return moment(text)
        return text

    def json(self, value, name):
        s = self.shapes.of(name)
        if value is None:
            return None
        if s["type"] == "structure" and not s.get("document"):
            out = {}
            for n, m in s["members"].items():
                wire = m.get("locationName", n)
                if m.get("location") is None and value.get(wire) is not None:
                    out[n] = self.json(value[wire], m["shape"])
            return out
        if s["type"] == "list":
            return [self.json(v, s["member"]["shape"]) for v in value]
        if s["type"] == "map":
            return {k: self.json(v, s["value"]["shape"]) for k, v in value.items()}
        if s["type"] == "timestamp":
            return moment(value)
        if s["type"] in ("float", "double"):
            return float(value)
        return value

    def xml(self, element, name):
        s = self.shapes.of(name)
        if s["type"] == "structure":
            return self.xml_members(element, s)
        if s["type"] == "list":
            return [self.xml(e, s["member"]["shape"]) for e in element]
        if s["type"] == "map":
            return dict(self.xml_entry(e, s) for e in element)
        return self.text(element.text or "", name)

    def xml_entry(self, e, s):
        key, value = s["key"].get("locationName", "key"), s["value"].get("locationName", "value")
        return e.find(key).text or "", self.xml(e.find(value), s["value"]["shape"])

    def xml_members(self, element, s):
        out = {}
        for n, m in s["members"].items():
            inner = self.shapes.of(m["shape"])
            wire = m.get("locationName", n)
            flat = inner.get("flattened") or m.get("flattened")
            if m.get("location") not in (None, "querystring", "uri"):
                continue
            if m.get("xmlAttribute"):
                if wire in element.attrib:
                    out[n] = self.text(element.attrib[wire], m["shape"])
                continue
            if self.protocol == "query" and inner.get("flattened") and inner["type"] == "list":
                wire = inner["member"].get("locationName", wire)
            found = element.findall(wire)
            if not found:
                continue
            if flat and inner["type"] == "list":
                out[n] = [self.xml(e, inner["member"]["shape"]) for e in found]
            elif flat and inner["type"] == "map":
                out[n] = dict(self.xml_entry(e, inner) for e in found)
            else:
                out[n] = self.xml(found[0], m["shape"])
        return out

    def rest(self, reply, name):
        s = self.shapes.of(name)
        headers = {k.lower(): v for k, v in reply["headers"]}
        out = {}
        for n, m in s["members"].items():
            wire, where = m.get("locationName", n), m.get("location")
            if where == "statusCode":
                out[n] = reply["status"]
            elif where == "header" and wire.lower() in headers:
                out[n] = self.header(headers[wire.lower()], m)
            elif where == "headers":
                found = {k[len(wire):]: v for k, v in reply["headers"]
                         if k.lower().startswith(wire.lower())
                         and k.lower() not in ("content-type", "x-amzn-requestid")}
                if found:
                    out[n] = found
        body = reply["body"]
        if "payload" in s:
            m = s["members"][s["payload"]]
            kind = self.shapes.of(m["shape"])["type"]
            if kind == "blob":
                out[s["payload"]] = base64.b64encode(body).decode()
            elif kind == "string":
                out[s["payload"]] = body.decode()
            elif body:
                out[s["payload"]] = self.document(body, m["shape"])
            if not body:
                out.pop(s["payload"], None)
        elif body:
            out.update(self.document(body, name))
        return out

    def document(self, body, name):
        return self.json(json.loads(body), name) if self.protocol == "rest-json" \
            else self.xml(xml_of(body), name)

    def header(self, text, m):
        s = self.shapes.of(m["shape"])
        if m.get("jsonvalue"):
            return base64.b64decode(text).decode()
        if s["type"] != "list":
            return self.text(text, m["shape"])
        item = self.shapes.of(s["member"]["shape"])
        if item["type"] == "timestamp" and item.get("timestampFormat", "rfc822") == "rfc822":
            parts = re.findall(r"\w+, [^,]+", text)
        else:
            parts = [p[1:-1].replace('\\"', '"').replace("\\\\", "\\") if p.startswith('"') else p
                     for p in re.findall(r'"(?:[^"\\]|\\.)*"|[^,\s][^,]*', text)]
        return [self.text(p, s["member"]["shape"]) for p in parts]


# --- the cases -------------------------------------------------------------------------------------

def tree(e):
    text = (e.text or "").strip() if len(e) else e.text or ""
    return e.tag, sorted(e.attrib.items()), text, [tree(c) for c in e]


class Case:
    def __init__(self, suite, raw, op):
        self.suite, self.raw, self.op = suite, raw, op
        self.id = f"{suite.way}/{suite.protocol}/{raw['id']}"
        self.shapes = Shapes(suite.shapes)

    def ask(self):
        """The line for the driver."""
        if self.suite.way == "input":
            r = self.raw["serialized"]
            uri = r.get("uri", "/")
            path, _, query = uri.partition("?")
            headers = [[k, str(v)] for k, v in r.get("headers", {}).items()]
            body = base64.b64encode(r.get("body", "").encode()).decode()
            return {"do": "decode", "op": self.op, "method": r.get("method", "POST"), "path": path,
                    "query": query, "headers": headers, "body": body}
        if "errorCode" in self.raw:
            shape = self.raw["given"]["errors"][0]
            value = self.shapes.canonical(self.raw.get("error", {}), shape)
            return {"do": "error", "op": self.op, "error": shape,
                    "message": self.raw.get("errorMessage", ""),
                    "value": self.shapes.feed(value, shape)}
        return {"do": "encode", "op": self.op, "value": self.feed_result()}

    def result(self):
        out = self.raw["given"].get("output")
        return self.shapes.canonical(self.raw.get("result") or {}, out["shape"]) if out else {}

    def feed_result(self):
        out = self.raw["given"].get("output")
        return self.shapes.feed(self.result(), out["shape"]) if out else {}

    def check(self, reply):
        """What is wrong, or None."""
        if "failed" in reply:
            return f"refused: {reply['failed']}: {reply['message']}"
        if self.suite.way == "input":
            return self.check_input(reply)
        reply["body"] = base64.b64decode(reply["body"])
        if "errorCode" in self.raw:
            return self.check_error(reply)
        return self.check_output(reply)

    def check_input(self, reply):
        ref = self.raw["given"].get("input")
        if ref is None:
            return None
        want = self.shapes.canonical(self.raw["params"], ref["shape"])
        got = self.shapes.ours(reply["value"], ref["shape"])
        bad = self.check_query_maps(want, got)
        return bad or (None if same(want, got) else f"want {want}\n     got {got}")

    def check_query_maps(self, want, got):
        """A server's map of the query holds every parameter (Smithy, httpQueryParams); a client has
        named only some of them in its map."""
        query = self.raw["serialized"].get("uri", "").partition("?")[2]
        for n, m in self.shapes.of(self.raw["given"]["input"]["shape"])["members"].items():
            s = self.shapes.of(m["shape"])
            if m.get("location") != "querystring" or s["type"] != "map":
                continue
            every = urllib.parse.parse_qs(query, keep_blank_values=True)
            if self.shapes.of(s["value"]["shape"])["type"] != "list":
                every = {k: v[0] for k, v in every.items()}
            if not same(got.pop(n, {}), every):
                return f"{n} is not all of {every}"
            if not (want.pop(n, None) or {}).keys() <= every.keys():
                return f"{n} is more than {every}"
        return None

    def read(self, reply, shape):
        reader = Reader(self.shapes, self.suite.protocol)
        if self.suite.protocol in REST:
            return reader.rest(reply, shape)
        if self.suite.protocol == "query":
            root = xml_of(reply["body"])
            wrapper = self.raw["given"].get("output", {}).get("resultWrapper")
            inner = root[0]
            if wrapper and inner.tag != wrapper:
                raise AssertionError(f"<{inner.tag}> where <{wrapper}> must be")
            return reader.xml(inner, shape)
        return reader.json(json.loads(reply["body"]), shape)

    def check_head(self, reply):
        response = self.raw["response"]
        if reply["status"] != response.get("status_code", 200):
            return f"status {reply['status']}, want {response['status_code']}"
        got = {k.lower(): v for k, v in reply["headers"]}
        for k, v in response.get("headers", {}).items():
            k = k.lower()
            if k in ("content-length", "x-amz-target"):
                continue  # the HTTP layer's; a request's
            if k == "x-amzn-errortype":  # ours is the bare code, as a client makes of it
                v = v.split(":")[0].split("#")[-1]
                got.setdefault(k, v if self.suite.protocol != "rest-json" else None)
            if k == "content-type" and not response.get("body"):
                continue
            if k not in got:
                return f"header {k} is missing"
            if got[k] != v and k in ("content-type", "x-amzn-query-error", "x-amzn-errortype"):
                return f"header {k} is {got[k]}, want {v}"
        return None

    def check_output(self, reply):
        out = self.raw["given"].get("output")
        bad = self.check_head(reply)
        if bad or out is None:
            return bad
        want, got = self.result(), self.read(reply, out["shape"])
        if not same(want, got):
            return f"want {want}\n     got {got}\n     in {reply['body']}"
        if self.suite.protocol == "rest-xml" and self.id not in TREE_DIFFERS:
            return self.check_tree(reply)
        return None

    def check_tree(self, reply):
        """The very elements of the case, names and namespaces included."""
        want = self.raw["response"].get("body", "").encode()
        kind = dict((k.lower(), v) for k, v in reply["headers"]).get("content-type", "")
        if kind != "application/xml" or not want:
            return None if want == reply["body"] else f"want {want}\n     got {reply['body']}"
        want, got = tree(ET.fromstring(want)), tree(ET.fromstring(reply["body"]))
        return None if want == got else f"want {want}\n     got {got}"

    def check_error(self, reply):
        bad = self.check_head(reply)
        if bad:
            return bad
        shape = self.raw["given"]["errors"][0]
        want = self.shapes.canonical(self.raw.get("error", {}), shape)
        body = reply["body"]
        reader = Reader(self.shapes, self.suite.protocol)
        if self.suite.protocol in ("query", "rest-xml"):
            root = xml_of(body)
            code = root.find("Error/Code").text
            message = root.find("Error/Message").text
            got = reader.xml(root.find("Error"), shape)
            got.update(reader.rest({**reply, "body": b""}, shape))
        else:
            got = reader.rest(reply, shape) if self.suite.protocol == "rest-json" \
                else reader.json(json.loads(body), shape)
            headers = {k.lower(): v for k, v in reply["headers"]}
            code = headers.get("x-amzn-query-error", "").split(";")[0] \
                or headers.get("x-amzn-errortype") or json.loads(body)["__type"]
            message = next((v for k, v in json.loads(body).items() if k.lower() == "message"), None)
        if code.split("#")[-1] != self.raw["errorCode"]:
            return f"code {code}, want {self.raw['errorCode']}"
        if (message or "") != self.raw.get("errorMessage", ""):
            return f"message {message}, want {self.raw.get('errorMessage')}"
        got = {k: v for k, v in got.items() if v != "" or k in want}
        return None if same(want, got) else f"want {want}\n     got {got}\n     in {body}"


def botocore_reads(case, reply):
    """What the real client's parser makes of our response; None when it agrees or is not there."""
    try:
        import botocore.model
        import botocore.parsers
    except ImportError:
        return None
    meta = dict(case.suite.metadata)
    kind = meta["protocol"]
    if "errorCode" in case.raw or case.id in BOTOCORE_DIFFERS:
        return None
    given = {**case.raw["given"], "name": "Op"}
    if kind == "query" and "output" in given:
        given["output"] = {"resultWrapper": case.raw["given"]["name"] + "Result", **given["output"]}
    model = botocore.model.ServiceModel({"metadata": meta, "shapes": case.suite.shapes,
                                         "operations": {"Op": given}})
    shape = model.operation_model("Op").output_shape
    parser = botocore.parsers.create_parser(kind)
    response = {"status_code": reply["status"], "body": reply["body"],
                "headers": dict(reply["headers"])}
    parsed = parser.parse(response, shape)
    parsed.pop("ResponseMetadata", None)
    if shape is None:
        return None
    want = case.result()
    got = from_botocore(parsed, case.shapes, shape.name)
    payload = case.shapes.of(shape.name).get("payload")
    if not reply["body"] and got.get(payload) == "":
        del got[payload]
    return None if same(want, got) else f"botocore reads {got}\n     want {want}"


def from_botocore(value, shapes, name):
    s = shapes.of(name)
    if value is None:
        return None
    if s["type"] == "structure" and not s.get("document"):
        return {n: from_botocore(v, shapes, s["members"][n]["shape"]) for n, v in value.items()
                if v is not None}
    if s["type"] == "list":
        return [from_botocore(v, shapes, s["member"]["shape"]) for v in value]
    if s["type"] == "map":
        return {k: from_botocore(v, shapes, s["value"]["shape"]) for k, v in value.items()}
    if isinstance(value, datetime.datetime):
        return round(value.timestamp() * 1000)
    if s["type"] in ("float", "double"):
        return float(value)
    if s["type"] == "blob":
        value = value.encode() if isinstance(value, str) else value
        return base64.b64encode(value).decode()
    if s["type"] == "string" and not isinstance(value, str):
        return json.dumps(value)
    return value


def load_cases():
    out, op = [], 0
    for suite in cases.load():
        for raw in suite.cases:
            out.append(Case(suite, raw, op + suite.ops.index(raw["given"])))
        op += len(suite.ops)
    return out


def missing():
    """Cases of the source that are not here."""
    if not SOURCE.is_dir():
        return []
    here = {}
    for c in load_cases():
        here[c.id] = here.get(c.id, 0) + 1
    out = []
    for way in cases.WAYS:
        for protocol in cases.PROTOCOLS:
            for suite in json.loads((SOURCE / way / f"{protocol}.json").read_text()):
                for c in suite["cases"]:
                    name = f"{way}/{protocol}/{c['id']}"
                    if here.get(name, 0) == 0:
                        out.append(name)
                    here[name] = here.get(name, 0) - 1
    return out


def main():
    verbose = "-v" in sys.argv
    names = [a for a in sys.argv[2:] if a != "-v"]
    todo = [c for c in load_cases() if c.id not in SKIP and (not names or c.raw["id"] in names)]
    lines = "".join(json.dumps(c.ask()) + "\n" for c in todo)
    got = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True, check=False)
    replies = [json.loads(line) for line in got.stdout.split("\x1e")[:-1]]
    if got.returncode or len(replies) != len(todo):
        sys.exit(f"the driver ended early ({got.returncode}) after {len(replies)}: {got.stderr}")
    failed = [(n, "dropped: in the source, not here") for n in missing()]
    for c, reply in zip(todo, replies):
        try:
            bad = c.check(reply)
            if bad is None and c.suite.way == "output":
                bad = botocore_reads(c, reply)
        except Exception as e:  # a reply that cannot be read is a failure like any other
            bad = f"{type(e).__name__}: {e}"
        if bad:
            failed.append((c.id, bad))
        elif verbose:
            print(f"ok   {c.id}")
    for name, bad in failed:
        print(f"FAIL {name}\n     {bad}")
    for name, reason in SKIP.items():
        print(f"skip {name}: {reason}")
    print(f"{len(todo) - len(failed)} passed, {len(failed)} failed, {len(SKIP)} skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
