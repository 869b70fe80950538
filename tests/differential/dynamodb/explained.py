# SPDX-License-Identifier: Apache-2.0
"""The differences between Virga and DynamoDB Local that AWS's rules explain; anything else is a failure.

The developer guide and the texts measured on the service decide (paritysuite/dynamodb-conformance, tier 3): where DynamoDB
Local says something else, it is wrong. Three kinds of difference are allowed:

- one fault, two texts (TEXTS): both patterns must match, and groups of one name must be equal in both;
- two faults, and ours is of an earlier phase (PHASES): the service checks members and values, then expressions, then keys
  and what else the tables say, then the items. Local may say the later fault first, never Virga;
- what is built from several reasons or carried out by one side alone: see explanation().
"""

import re
from decimal import Decimal

INVALID = "One or more parameter values were invalid: "
VALUE_OF = r"(?:ExpressionAttributeValues contains invalid value: )?"
FOR_KEY = r"(?: for key (?P<key>:v\d+))?"
LABEL = r"Invalid (?P<label>\w+Expression): "
TYPE = r"(?:S|N|B|BOOL|NULL|L|M|SS|NS|BS)"

MISMATCH = r"The provided key element does not match the schema"
MISSING = INVALID + r"Missing the key (?:pk|sk) in the item"
KEY_TYPE = INVALID + rf"Type mismatch for key (?:pk|sk) expected: [SN] actual: {TYPE}"
INDEX_TYPE = INVALID + rf"Type mismatch for Index Key \w+ Expected: [SN] Actual: {TYPE} IndexName: \w+"
UPDATE_TYPE = r"The update expression attempted to update the secondary index key to unsupported type"
EMPTY_KEY = (
    r"One or more parameter values are not valid\. (?:A value specified for a secondary index key is not supported\. )?The "
    r"AttributeValue for a key attribute cannot contain an empty (?:string|binary) value\..*"
)
SCALAR = r"Key attributes must be scalars; list random access '\[\]' and map lookup '\.' are not allowed: \w*Key: \w+"
TWICE = r"Transaction request cannot include multiple operations on one item"

NO_ATTRIBUTE = r"The provided expression refers to an attribute that does not exist in the item"
BAD_PATH = r"The document path provided in the update expression is invalid for update"
BAD_OPERAND = r"An operand in the update expression has an incorrect data type"
UPDATE_FAULT = f"{NO_ATTRIBUTE}|{BAD_PATH}|{BAD_OPERAND}"
CONDITION = r"The conditional request failed"
CANCELLED = r"Transaction cancelled, please refer cancellation reasons for specific reasons \[.*\]"

NUMBER = r"(?:The parameter cannot be converted to a numeric value.*|Attempting to store more than 38 significant digits .*)"
THEIR_NUMBER = r"(?:A value provided cannot be converted into a number|DynamoDB only supports precision up to 38 digits)"
SET = rf"(?:(?:{INVALID})?Input collection .*|{INVALID}An? \w+ set +may not .*)"

# Local's texts for keys and for index keys.
THEIR_KEY = (
    r"The number of conditions on the keys is invalid|One of the required keys was not given a value"
    rf"|{INVALID}Type mismatch for key"
)
THEIR_INDEX_KEY = rf"Invalid attribute value type|{INVALID}Type mismatch for Index Key"

# One fault, as the service says it and as Local does: name, ours, theirs, why.
TEXTS = [
    (
        "number",
        rf"{VALUE_OF}The parameter cannot be converted to a numeric value.*?{FOR_KEY}",
        rf"{VALUE_OF}A value provided cannot be converted into a number{FOR_KEY}",
        "the service's text",
    ),
    (
        "precision",
        rf"{VALUE_OF}Attempting to store more than 38 significant digits in a Number{FOR_KEY}",
        rf"{VALUE_OF}DynamoDB only supports precision up to 38 digits{FOR_KEY}",
        "the service's text",
    ),
    (
        "duplicates",
        VALUE_OF + INVALID + rf"Input collection \[.*\] contains duplicates\.{FOR_KEY}",
        VALUE_OF + INVALID + rf"Input collection \[.*\] contains duplicates{FOR_KEY}",
        "the service's full stop, and its way to print members",
    ),
    ("missing-key", MISSING, r"One of the required keys was not given a value", "the service names the key"),
    (
        "key-schema",
        MISMATCH,
        THEIR_KEY,
        "the service has one text for all of a Key's faults, and for the key of a put in a batch",
    ),
    ("key-type", KEY_TYPE, INVALID + "Type mismatch for key", "the service names key and types"),
    (
        "index-key-type",
        rf"{INDEX_TYPE}|{UPDATE_TYPE}",
        THEIR_INDEX_KEY,
        "the service names index and types, but for updates",
    ),
    (
        "key-condition",
        r"Query condition missed key schema element: \w+",
        r"Query condition missed key schema element",
        "the service names the element",
    ),
    (
        "between",
        LABEL + r"The BETWEEN operator requires (?P<what>[^;]*); .*AttributeValue: \{B:.*",
        LABEL + r"The BETWEEN operator requires (?P<what>[^;]*); .*HeapByteBuffer.*",
        "Local prints binary values as Java objects",
    ),
    (
        "starting-key",
        r"The provided starting key is outside query boundaries based on provided conditions",
        r"The provided starting key .*|Exclusive Start Key .*",
        "the service's text",
    ),
    (
        "condition-check",
        CONDITION,
        CONDITION + r"\.",
        "the API reference has no full stop for any action; Local adds one for a ConditionCheck",
    ),
    (
        "valid-types",
        LABEL + r"(?P<what>.*)valid types: \{.*\}",
        LABEL + r"(?P<what>.*)valid types: \{.*\}",
        "the order of a set",
    ),
    (
        "attribute-types",
        LABEL + r"(?P<what>.*)attribute_type, operand type: \{.*\}",
        LABEL + r"(?P<what>.*)attribute_type, operand type: \{.*\}",
        "Local lists internal types",
    ),
    (
        "which-filter",
        r"Filter Expression can only contain non-primary key attributes: Primary key attribute: \w+",
        r"Filter Expression can only contain non-primary key attributes: Primary key attribute: \w+",
        "which of several key attributes is named",
    ),
    (
        "which-operand",
        LABEL + r"(?:Incorrect operand type for operator or function; .*|The first operand must be distinct .*)",
        LABEL + r"(?:Incorrect operand type for operator or function; .*|The first operand must be distinct .*)",
        "which of several operands is named",
    ),
    (
        "which-access",
        r".*Select type ALL_ATTRIBUTES is not supported for global secondary index (?P<index>\w+) .*",
        r".*Secondary index (?P<index>\w+) does not project one or more filter attributes: .*",
        "which of two faults of an index's projection is said first",
    ),
    ("which-scalar", SCALAR, SCALAR, "which of several paths is named"),
    ("which-action", UPDATE_FAULT, UPDATE_FAULT, "which of several actions of an update is looked at first"),
]

# Faults of one expression that are found while it is read, and those of the whole.
READING = r"(?:Syntax error.*|An expression attribute value used in expression is not defined; .*)"
CHECKING = r"(?:The expression has redundant parentheses;|Two document paths (?:overlap|conflict) .*)"

# What is checked, in the service's order; a text is of the first phase that it matches.
PHASES = [
    # The request's members alone.
    rf"{VALUE_OF}(?:{NUMBER}|{THEIR_NUMBER}|{SET}|Number (?:over|under)flow.*|Supplied AttributeValue .*|{INVALID}Null .*).*"
    r"|ExpressionAttribute(?:Names|Values) can only be specified when using expressions.*"
    r"|ALL_PROJECTED_ATTRIBUTES can be used only .*|Cannot specify the \w+ when choosing to get .*"
    r"|Must specify the AttributesToGet or ProjectionExpression .*",
    # Its expressions, each with its placeholders.
    r"Invalid (?:condition in )?\w+Expression: .*|Value provided in ExpressionAttribute\w+ unused in expressions: .*",
    # The keys of its items against their tables.
    rf"{MISMATCH}|{MISSING}|{KEY_TYPE}|{EMPTY_KEY}|{THEIR_KEY}",
    # The same item twice.
    rf"{TWICE}|Provided list of item keys contains duplicates",
    # What else the tables say.
    rf"{SCALAR}|.*Select type ALL_ATTRIBUTES is not supported .*"
    r"|Filter Expression can only .*|.*Secondary index \w+ does not project .*|Query condition missed .*"
    rf"|The provided starting key .*|{INVALID}Cannot update attribute .*",
    # The keys of their indexes.
    rf"{INDEX_TYPE}|{THEIR_INDEX_KEY}",
    # What the items are.
    rf"{CONDITION}|{UPDATE_FAULT}|{UPDATE_TYPE}|{CANCELLED}",
]

WHY = {name: why for name, _, _, why in TEXTS} | {
    "written": "Local prints the numbers of a message as they came, and sets in any order",
    "phase": "two faults: the service says the one of the earlier phase",
    "reading": "two faults of one expression: what reading it finds comes before what is checked of the whole",
    "which-overlap": "which of several pairs is named; Local also names pairs that do not overlap",
    "lazy-if-not-exists": "Local evaluates the second operand of if_not_exists in any case",
    "reserved-words": "the developer guide's list of reserved words has three that Local's lacks",
    "index-key-type-let": "the guide: an index key attribute keeps its type; Local lets an update change it",
    "index-key-path-let": "the guide: keys are scalars; Local lets a ConditionCheck reach into one",
    "cancelled-by-position": "the service cancels with a reason in the action's position; Local refuses the whole request",
    "cancelled-by-key": "a key that does not fit cancels before any condition is looked at, and only the first is told",
    "cancellation-reasons": "the texts of single reasons, as above",
    "index-scan-filter": "Local filters by the whole item, the service by what the index holds",
}


def phase(text):
    return next((i for i, pattern in enumerate(PHASES) if re.fullmatch(pattern, text, re.S)), None)


def written(text):
    """Numbers and sets in one form: Local prints them as they came, or in any order."""
    text = re.sub(r"(?<=keys: \{)[#:\w, ]+(?=\}$)", lambda m: ", ".join(sorted(m[0].split(", "))), text)
    return re.sub(r"(?<=\{N:)[-+.\deE]+(?=\})", lambda m: format(Decimal(m[0]).normalize(), "f"), text)


def same_fault(ours, theirs):
    """The name in TEXTS of what both say."""
    if written(ours) == written(theirs):
        return "written"
    for name, a, b, _ in TEXTS:
        x, y = re.fullmatch(a, ours, re.S), re.fullmatch(b, theirs, re.S)
        if x and y and all(x[g] == y[g] for g in x.groupdict().keys() & y.groupdict().keys()):
            return name
    return None


def steps(text):
    """"[a, [1], x]" as it is in a message: names and indexes."""
    return [int(s[1:-1]) if s.startswith("[") else s for s in text.split(", ")]


def overlap(text):
    """The expression of a message that names a pair of paths, where these really overlap or conflict."""
    found = re.fullmatch(LABEL + r"Two document paths (overlap|conflict) .*; path one: \[(.*)\], path two: \[(.*)\]", text)
    if not found:
        return None
    one, two = steps(found[3]), steps(found[4])
    at = next((i for i, (x, y) in enumerate(zip(one, two, strict=False)) if x != y), None)
    kind = "overlap" if at is None else "conflict" if isinstance(one[at], int) != isinstance(two[at], int) else None
    return found["label"] if kind == found[2] else None


def two_faults(ours, theirs):
    """The name of what explains two messages of one refused request."""
    name = same_fault(ours, theirs)
    if name:
        return name
    label = overlap(ours)
    if label and re.match(rf"Invalid {label}: Two document paths (overlap|conflict) ", theirs):
        return "which-overlap"
    x, y = re.fullmatch(LABEL + READING, ours, re.S), re.fullmatch(LABEL + CHECKING, theirs, re.S)
    if x and y and x["label"] == y["label"]:
        return "reading"
    a, b = phase(ours), phase(theirs)
    return "phase" if a is not None and b is not None and a < b else None


def reasons(error):
    return [(r["Code"], r.get("Message", ""), r.get("Item")) for r in error[2].get("CancellationReasons", [])]


def same_reason(a, b):
    """Whether two reasons of one position are explained."""
    return a == b or (a[0] == b[0] and a[2] == b[2] and (a[1] == b[1] or two_faults(a[1], b[1])))


def cancelled(ours, theirs):
    """Where Virga cancelled a transaction."""
    mine = reasons(ours)
    told = [text for code, text, _ in mine if code == "ValidationError"]
    by_key = len(told) == 1 and all(code == "None" for code, text, _ in mine if text != told[0])
    by_key = by_key and re.fullmatch(f"{MISMATCH}|{MISSING}|{KEY_TYPE}", told[0])
    if theirs[0] == "TransactionCanceledException":
        other = reasons(theirs)
        if len(mine) == len(other) and all(map(same_reason, mine, other)):
            return "cancellation-reasons"
        if by_key and any(b[0] == "ValidationError" and two_faults(told[0], b[1]) for b in other):
            return "cancelled-by-key"
        return None
    if by_key and (phase(theirs[1]) or 0) >= 2:
        return "cancelled-by-key"
    if theirs[0] == "ValidationException" and any(text == theirs[1] or same_fault(text, theirs[1]) for text in told):
        return "cancelled-by-position"
    return None


def is_lazy(theirs, body):
    """The guide: if_not_exists(path, value) is the value only where the path is missing."""
    return "if_not_exists" in str(body) and theirs[1] == NO_ATTRIBUTE


def one_sided(ours, theirs, body):
    """Where one of the two carried the request out."""
    if theirs[0] != "ok":
        return "lazy-if-not-exists" if is_lazy(theirs, body) else None
    if re.fullmatch(r".*reserved keyword: (size|SIZE|convert|terminate)", ours[1]):
        return "reserved-words"
    if ours[1] == UPDATE_TYPE:
        return "index-key-type-let"
    return "index-key-path-let" if re.fullmatch(SCALAR, ours[1]) and "ConditionCheck" in str(body) else None


def explanation(ours, theirs, body):
    """The name of the rule that explains the difference, or None."""
    if "ok" in (ours[0], theirs[0]):
        return one_sided(ours, theirs, body)
    if ours[0] == "TransactionCanceledException":
        return cancelled(ours, theirs)
    if ours[:2] == theirs[:2]:
        return None
    if ours[1] == UPDATE_TYPE and is_lazy(theirs, body):  # else it would have found that too
        return "lazy-if-not-exists"
    return two_faults(ours[1], theirs[1])
