# SPDX-License-Identifier: Apache-2.0
"""Holds every response to the service's model: members, required ones, enums, lengths, ranges, patterns,
known errors and their HTTP status. A botocore hook; a violation fails the call that met it."""

import functools
import json
import re
import tomllib
from pathlib import Path

# Errors that any operation may answer with and that the models do not list.
COMMON_ERRORS = {
    "AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature",
    "IncompleteSignatureException", "InternalFailure", "InternalServerError", "InternalServerErrorException",
    "InvalidAction", "InvalidClientTokenId", "InvalidParameterCombination", "InvalidParameterValue",
    "InvalidSignatureException", "MalformedInput", "MalformedQueryString", "MissingAuthenticationToken",
    "MissingAuthenticationTokenException", "MissingParameter", "NotImplemented", "NotImplementedException",
    "OptInRequired", "RequestExpired", "SerializationException", "ServiceUnavailable", "ServiceUnavailableException",
    "SignatureDoesNotMatch", "Throttling", "ThrottlingException", "UnknownOperationException",
    "UnrecognizedClientException", "ValidationError", "ValidationException", "InvalidInput",
}  # fmt: skip

# Where the model itself is not true of AWS's own answers: (service, shape) whose pattern is not held.
LOOSE_PATTERNS = {
    ("lambda", "NameSpacedFunctionArn"),
    ("iam", "policyDocumentType"),
}


# … and enumerations: the simulator answers "IAM Policy" and "Resource Policy" (measured by many), versions
# have all storage classes (the model knows STANDARD), rules of filters are called Prefix and Suffix.
LOOSE_ENUMS = {("iam", "PolicySourceType"), ("s3", "ObjectVersionStorageClass"), ("s3", "FilterRuleName")}

# … and numbers: NumberOfDecreasesToday of a table that was never changed is 0.
LOOSE_RANGES = {"PositiveLongObject"}


class ModelViolation(AssertionError):
    pass


def check_value(service, shape, value, path, out, as_parsed=True):
    kind = shape.type_name
    if value is None:
        out.append(f"{path}: null")
        return
    if kind == "structure":
        check_structure(service, shape, value, path, out, as_parsed)
    elif kind == "list":
        if not isinstance(value, list):
            out.append(f"{path}: not a list")
            return
        check_length(shape, len(value), path, out)
        for i, item in enumerate(value):
            check_value(service, shape.member, item, f"{path}[{i}]", out, as_parsed)
    elif kind == "map":
        if not isinstance(value, dict):
            out.append(f"{path}: not a map")
            return
        for key, item in value.items():
            check_value(service, shape.value, item, f"{path}.{key}", out, as_parsed)
    elif kind == "string":
        check_string(service, shape, value, path, out)
    elif kind in ("integer", "long"):
        if not isinstance(value, int) or isinstance(value, bool):
            out.append(f"{path}: not a whole number: {value!r}")
        else:
            check_range(shape, value, path, out)
    elif kind in ("float", "double"):
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            out.append(f"{path}: not a number: {value!r}")
    elif kind == "boolean" and not isinstance(value, bool):
        out.append(f"{path}: not a boolean: {value!r}")


def check_structure(service, shape, value, path, out, as_parsed):
    if not isinstance(value, dict):
        out.append(f"{path}: not a structure")
        return
    for name in shape.required_members:
        if name not in value:
            out.append(f"{path}: required member {name} is missing")
    members = shape.members
    given = {k: v for k, v in value.items() if k not in ("ResponseMetadata", "SDK_UNKNOWN_MEMBER")}
    if getattr(shape, "is_tagged_union", False) and len(given) != 1:
        out.append(f"{path}: a union with {len(given)} members")
    for name, item in given.items():
        if name in members:
            check_value(service, members[name], item, f"{path}.{name}", out, as_parsed)


def check_string(service, shape, value, path, out):
    if not isinstance(value, str):
        return  # JSON documents and timestamps arrive parsed
    is_loose = (service, shape.name) in LOOSE_ENUMS
    if shape.enum and value not in shape.enum and not is_loose:
        out.append(f"{path}: {value!r} is not one of {shape.enum}")
    check_length(shape, len(value), path, out)
    pattern = shape.metadata.get("pattern")
    if pattern and (service, shape.name) not in LOOSE_PATTERNS:
        try:
            if not re.search(to_python(pattern), value):
                out.append(f"{path}: {value!r} does not match {pattern}")
        except re.error:
            pass  # Java's own syntax: nothing to hold it to


def to_python(pattern):
    for name, chars in (("Alpha", "a-zA-Z"), ("Digit", "0-9"), ("Alnum", "a-zA-Z0-9"), ("Punct", r"!-/:-@\[-`{-~")):
        pattern = pattern.replace("\\p{%s}" % name, chars)
    return pattern


def check_length(shape, n, path, out):
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and n < low:
        out.append(f"{path}: length {n} is below {low}")
    if high is not None and n > high:
        out.append(f"{path}: length {n} is above {high}")


def check_range(shape, n, path, out):
    if shape.name in LOOSE_RANGES:
        return
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and n < low:
        out.append(f"{path}: {n} is below {low}")
    if high is not None and n > high:
        out.append(f"{path}: {n} is above {high}")


# What AWS answers though its model does not list it (Terraform's provider relies on the first).
UNLISTED_ERRORS = {
    ("apigatewayv2", "DeleteIntegration"): {"ConflictException"},
    ("apigatewayv2", "DeleteDeployment"): {"BadRequestException"},
    ("kms", "CreateAlias"): {"NotAuthorizedException"},
    ("kms", "UpdateAlias"): {"NotAuthorizedException"},
    ("kms", "DeleteAlias"): {"NotAuthorizedException"},
}


def check_unknown(shape, raw, path, out):
    """Members on the wire that the model does not have: no SDK would show them."""
    kind = shape.type_name
    if kind == "structure" and isinstance(raw, dict):
        names = {m.serialization.get("name", n): m for n, m in shape.members.items()}
        for key, value in raw.items():
            if key in names:
                if value is not None:
                    check_unknown(names[key], value, f"{path}.{key}", out)
            elif key not in ("__type", "message", "Message"):
                out.append(f"{path}: member {key} is not in the model")
    elif kind == "list" and isinstance(raw, list):
        for i, value in enumerate(raw):
            check_unknown(shape.member, value, f"{path}[{i}]", out)
    elif kind == "map" and isinstance(raw, dict):
        for key, value in raw.items():
            check_unknown(shape.value, value, f"{path}.{key}", out)


@functools.cache
def documented_errors(service):
    """{code: status} of what AWS documents and its model lacks, as the service declares it ([error.X])."""
    overlay = Path(__file__).parents[3] / "src" / "services" / service / "service.toml"
    if not overlay.exists():
        return {}
    table = tomllib.loads(overlay.read_text(encoding="utf-8")).get("error", {})
    return {e.get("code", name): e["status"] for name, e in table.items()}


def check_error(model, status, parsed, out):
    error = parsed.get("Error", {})
    code = error.get("Code", "")
    if not code:
        out.append(f"an error of status {status} without a code")
        return
    if (model.http.get("method") == "HEAD" or status == 304) and code == str(status):
        return  # it has no body that could tell more
    documented = documented_errors(model.service_model.service_name).get(code)
    if documented is not None:
        if documented != status:
            out.append(f"error {code} has status {status}, AWS's list says {documented}")
        return
    query_code = parsed.get("Error", {}).get("QueryErrorCode")
    for shape in model.error_shapes:
        if code in (shape.error_code, shape.name) or query_code in (shape.error_code, shape.name):
            wanted = shape.metadata.get("error", {}).get("httpStatusCode")
            if wanted and wanted != status:
                out.append(f"error {code} has status {status}, the model says {wanted}")
            return
    unlisted = UNLISTED_ERRORS.get((model.service_model.service_name, model.name), ())
    if code not in COMMON_ERRORS and code not in unlisted:
        out.append(f"error {code} is neither in the model of {model.name} nor a common one")
    if status >= 500 and code not in ("NotImplemented", "NotImplementedException", "ServiceUnavailableException"):
        out.append(f"status {status}: {error}")


def check_response(http_response, parsed, model):
    service = model.service_model.service_name
    out = []
    status = http_response.status_code
    header = "x-amz-request-id" if service == "s3" else "x-amzn-RequestId"
    if header not in http_response.headers:
        out.append(f"no {header}")
    elif "," in http_response.headers[header]:
        out.append(f"{header} came twice")
    if status >= 300:
        check_error(model, status, parsed, out)
    elif model.output_shape is not None:
        # botocore fills absent lists of some protocols in; what it gives is what users see.
        check_value(service, model.output_shape, parsed, model.name, out)
        if not model.has_streaming_output and model.service_model.metadata["protocol"] in ("json", "rest-json"):
            payload = model.output_shape.serialization.get("payload")
            shape = model.output_shape.members[payload] if payload else model.output_shape
            try:
                raw = json.loads(http_response.content or b"{}")
            except ValueError:
                raw = None
                if shape.type_name == "structure":
                    out.append("the body is not JSON")
            if raw is not None:
                check_unknown(shape, raw, model.name, out)
    if out:
        raise ModelViolation(f"{service}.{model.name} answered against its model:\n  " + "\n  ".join(out))


def attach(client):
    """Validates every answer this client gets."""

    def hook(http_response, parsed, model, **_):
        check_response(http_response, parsed, model)

    client.meta.events.register("after-call.*.*", hook)
    return client
