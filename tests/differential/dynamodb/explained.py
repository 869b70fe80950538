# SPDX-License-Identifier: Apache-2.0
"""The differences between Virga and DynamoDB Local that AWS's rules explain; anything else is a failure.

The developer guide and the service's known texts decide: where DynamoDB Local says something else, it is wrong.
"""

import re
from typing import NamedTuple

PREFIX = r"(ExpressionAttributeValues contains invalid value: )?"
PATH_FAULT = r"(The document path provided|The provided expression refers|An operand in the update expression).*"
PLACEHOLDER_FAULT = r"ExpressionAttribute(Names|Values) can only be specified when using expressions.*"
SELECT_FAULT = r"(ALL_PROJECTED_ATTRIBUTES|Must specify the AttributesToGet|Cannot specify the Proj).*"
# Said by only one of the two; the other carries the request out.
ACCEPTED = "(carried out)"


class Rule(NamedTuple):
    name: str
    ours: str  # regular expressions over whole messages
    theirs: str
    why: str


RULES = [
    # What Local lets through.
    Rule(
        "reserved-words",
        r".*reserved keyword: (size|SIZE|convert|terminate)",
        r".*",
        "the developer guide's list of reserved words has three that Local's lacks",
    ),
    Rule(
        "index-key-type",
        r"The update expression attempted to update the secondary index key to unsupported type",
        re.escape(ACCEPTED),
        "the guide: an index key attribute keeps its type; Local lets an update change it",
    ),
    Rule(
        "index-key-path",
        r"Key attributes must be scalars.*",
        re.escape(ACCEPTED),
        "the guide: keys are scalars; Local lets a ConditionCheck reach into one",
    ),
    # The service's texts, where Local has its own.
    Rule(
        "text-number",
        PREFIX + r"The parameter cannot be converted to a numeric value.*",
        PREFIX + r"A value provided cannot be converted into a number.*",
        "the service's text",
    ),
    Rule(
        "text-precision",
        PREFIX + r"Attempting to store more than 38 significant digits in a Number.*",
        PREFIX + r"DynamoDB only supports precision up to 38 digits.*",
        "the service's text",
    ),
    Rule(
        "text-missing-key",
        r".*Missing the key .* in the item",
        r"One of the required keys was not given a value",
        "the service's text",
    ),
    Rule(
        "text-key-schema",
        r"The provided key element does not match the schema",
        r"The number of conditions on the keys is invalid|One of the required keys was not given a value"
        r"|.*Type mismatch for key",
        "the service's text",
    ),
    Rule("text-key-type", r".*Type mismatch for key .*", r".*Type mismatch for key", "the service names key and types"),
    Rule(
        "text-index-key-type",
        r".*Type mismatch for Index Key .*|The update expression attempted to update the secondary index key to "
        r"unsupported type",
        r".*Type mismatch for Index Key|Invalid attribute value type|Type mismatch for attribute to update",
        "the service names index and types",
    ),
    Rule(
        "text-key-condition",
        r"Query condition missed key schema element: .*",
        r"Query condition missed key schema element",
        "the service names the element",
    ),
    Rule(
        "text-input-collection",
        r"One or more parameter values were invalid: Input collection .*",
        r"One or more parameter values were invalid: Input collection .*",
        "the service's way to print a collection",
    ),
    Rule(
        "text-between",
        r".*BETWEEN operator requires.*",
        r".*BETWEEN operator requires.*",
        "Local prints binary values as Java objects",
    ),
    Rule(
        "text-starting-key",
        r"The provided starting key is .*",
        r"The provided starting key .*|Exclusive Start Key .*",
        "the service's texts",
    ),
    Rule("text-valid-types", r".*valid types: \{.*\}", r".*valid types: \{.*\}", "the order of a set"),
    Rule(
        "text-attribute-types",
        r".*attribute_type, operand type: \{.*\}",
        r".*attribute_type, operand type: \{.*\}",
        "Local lists internal types",
    ),
    # One fault, two places: which one is named.
    Rule("which-filter", r"Filter Expression can only.*", r"Filter Expression can only.*", "which attribute is named"),
    Rule(
        "which-overlap",
        r".*Two document paths (overlap|conflict).*",
        r".*Two document paths (overlap|conflict).*",
        "which pair is named",
    ),
    Rule(
        "which-scalar",
        r"Key attributes must be scalars.*",
        r"Key attributes must be scalars.*|The conditional request failed|Transaction cancelled.*"
        r"|The provided expression refers.*|Transaction request cannot.*",
        "which path is named; Local looks at some paths only after the condition",
    ),
    Rule(
        "which-operand",
        r".*(Incorrect operand type|The first operand must be distinct).*",
        r".*(Incorrect operand type|The first operand must be distinct).*",
        "which of two operands is named",
    ),
    Rule(
        "which-action",
        PATH_FAULT,
        r"(The document path provided|The provided expression refers|An operand in the update expression|DynamoDB only "
        r"supports).*",
        "which of two actions of an update is looked at first",
    ),
    # Wrong in two ways: the order of checks is not documented, both must refuse.
    Rule("order-scalar", r".*", r"Key attributes must be scalars.*", "which of two faults is said first"),
    Rule("order-placeholders-ours", PLACEHOLDER_FAULT, r".*", "which of two faults is said first"),
    Rule("order-placeholders-theirs", r".*", PLACEHOLDER_FAULT, "which of two faults is said first"),
    Rule("order-parentheses", r".*Syntax error.*", r".*redundant parentheses.*", "which of two faults is said first"),
    Rule(
        "order-update-path",
        r"(Key attributes must be scalars|The update expression attempted to update the secondary index key).*",
        PATH_FAULT,
        "which of two faults is said first",
    ),
    Rule(
        "order-one-item-twice",
        r"Transaction request cannot include multiple operations on one item",
        r".*",
        "the service says it before it looks at any item",
    ),
    Rule(
        "order-index-key-type",
        r".*",
        r"Invalid attribute value type",
        "Local checks index keys before expressions",
    ),
    Rule(
        "order-select-all",
        r".*Select type ALL_ATTRIBUTES is not supported.*",
        r".*Secondary index.*",
        "which of two faults is said first",
    ),
    Rule("order-select-ours", SELECT_FAULT, r".*", "which of two faults is said first"),
    Rule("order-select-theirs", r".*", SELECT_FAULT, "which of two faults is said first"),
    Rule(
        "order-value-ours",
        r".*(match the schema|Type mismatch|Missing the key|numeric value|Input collection|datatypes|significant "
        r"digits|Number overflow|may not be empty|value of true|empty string value).*",
        r".*",
        "which of two faults is said first",
    ),
    Rule(
        "order-value-theirs",
        r".*",
        r".*(Type mismatch for|conditions on the keys|required keys was|empty string value).*",
        "which of two faults is said first",
    ),
    # The API reference: CancellationReasons are in the order of the actions; what an update finds in its item
    # cancels the transaction as ValidationError at its position, where Local refuses the whole request.
    Rule(
        "cancelled-by-position-ours",
        r"Transaction cancelled, .*ValidationError.*",
        r".*",
        "the service cancels by position",
    ),
    Rule(
        "cancelled-by-position-theirs",
        r"Transaction cancelled, .*",
        r"Transaction cancelled, .*ValidationError.*|The .*|An .*",
        "the service cancels by position",
    ),
]

# Rules that may excuse a request that only one of the two carried out.
ONE_SIDED = {"reserved-words", "index-key-type", "index-key-path"}


def explanation(ours, theirs, body):
    """The name of the rule that explains the difference, or None."""
    if "ok" in (ours[0], theirs[0]):
        if theirs[0] != "ok" and "if_not_exists" in str(body):
            # The guide: if_not_exists(path, value) is the value only where the path is missing.
            return "lazy-if-not-exists" if str(theirs[1]).startswith("The provided expression refers") else None
        if ours[0] == "ok":
            return None
        candidates = [rule for rule in RULES if rule.name in ONE_SIDED]
        said = (ours[1], ACCEPTED)
    else:
        if ours[:2] == theirs[:2]:
            # The texts of the reasons, whose codes are in the message, are those of RULES again.
            return "cancellation-reasons" if ours[0] == "TransactionCanceledException" else None
        candidates = RULES
        said = (ours[1], theirs[1])
    for rule in candidates:
        if re.fullmatch(rule.ours, said[0], re.S) and re.fullmatch(rule.theirs, said[1], re.S):
            return rule.name
    return None


WHY = {rule.name: rule.why for rule in RULES} | {
    "lazy-if-not-exists": "Local evaluates the second operand of if_not_exists in any case",
    "cancellation-reasons": "the texts of single reasons, as above",
    "index-scan-filter": "Local filters by the whole item, the service by what the index holds",
}
