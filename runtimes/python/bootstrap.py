# SPDX-License-Identifier: Apache-2.0
"""Virga's runtime client for Python: takes events from the Runtime API and gives them to a handler.

Started ahead of need in a sandbox that belongs to no function yet: everything it uses is imported,
then it waits for the boot blob on descriptor 3 (docs/internals/sandbox.md), which brings the
function's environment.  Started with VIRGA_BOOT=now it has that environment already.
"""

import builtins
import gc
import json
import os
import socket
import sys
import time
import traceback

TASK_ROOT = "/var/task"
LIBRARY = "/var/lang/lib/site-packages"  # AWS's SDK
# What most functions import first, in the pieces that warm_up() takes.
SDK = (
    "inspect",
    "importlib.metadata",
    "urllib3.util",
    "urllib3",
    "multiprocessing.managers",
    "concurrent.futures.thread",
    "dateutil.parser",
    "botocore.compat",
    "botocore.docs",
    "botocore.auth",
    "botocore.parsers",
    "botocore.client",
    "botocore.session",
    "s3transfer.manager",
    "boto3",
    "boto3.dynamodb.conditions",
    "boto3.dynamodb.table",
)
FRAME = b"\x1eVL1"  # a log record of several lines; what follows is its length
BOOT_FD = 3


def warm_up():
    """Imports AWS's SDK while nobody waits, in pieces, so that a function is not kept waiting for long.

    Returns the top-level names of what it imported.
    """
    import importlib
    import select

    sys.path.append(LIBRARY)
    boot = select.poll()
    boot.register(BOOT_FD, select.POLLIN)
    before = set(sys.modules)
    for name in SDK:
        if boot.poll(0):
            break
        try:
            importlib.import_module(name)
        except Exception:  # a function that needs it will say so itself
            break
    sys.path.remove(LIBRARY)
    return {name.partition(".")[0] for name in set(sys.modules) - before}


def start_over_if_shadowed(warm):
    """A function's own module of the name of one that is imported already must win, as it does on AWS.

    What was imported can not be taken back, so the interpreter starts once more with nothing but itself.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for folder in (TASK_ROOT, f"/opt/python/lib/{version}/site-packages", "/opt/python"):
        try:
            entries = os.listdir(folder)
        except OSError:
            continue
        if any(entry.partition(".")[0] in warm for entry in entries):
            os.environ["VIRGA_BOOT"] = "now"
            os.execv(sys.executable, sys.orig_argv)


def read_boot():
    data = os.read(BOOT_FD, 1 << 18)
    os.close(BOOT_FD)
    if not data:
        os._exit(0)  # the sandbox is not needed
    head, *texts = data.split(b"\0")
    version, argc, envc = head.split()
    if version != b"VB1":
        sys.exit("virga: boot blob of another version")
    for text in texts[int(argc) : int(argc) + int(envc)]:
        key, _, value = text.partition(b"=")
        os.environb[key] = value


class Api:
    """One connection to the Runtime API; HTTP/1.1 with Content-Length, as the daemon speaks it."""

    def __init__(self, address):
        host, _, port = address.partition(":")
        self.host = address
        self.sock = socket.create_connection((host, int(port or 80)))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def _read_head(self):
        data = self.rest
        while True:
            end = data.find(b"\r\n\r\n")
            if end >= 0:
                self.rest = data[end + 4 :]
                return data[:end]
            more = self.sock.recv(65536)
            if not more:
                os._exit(0)  # the daemon is gone, and so are we
            data += more

    def _read_body(self, length):
        parts, have = [self.rest], len(self.rest)
        while have < length:
            more = self.sock.recv(min(1 << 20, max(65536, length - have)))
            if not more:
                os._exit(0)
            parts.append(more)
            have += len(more)
        data = b"".join(parts)
        self.rest = data[length:]
        return data[:length]

    def call(self, method, path, body=None, headers=""):
        head = f"{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nHost: {self.host}\r\n{headers}"
        if body is not None:
            head += f"Content-Length: {len(body)}\r\nContent-Type: application/json\r\n"
        head = (head + "\r\n").encode("latin-1")
        self.sock.sendall(head + body if body else head)
        lines = self._read_head().decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        return status, fields, self._read_body(int(fields.get("content-length", "0")))


def log_record(text):
    """Writes one log event, whatever lines it has, with a single write."""
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    try:
        sys.stdout.flush()
        frame = FRAME + len(data).to_bytes(4, "little") + data
        while frame:
            frame = frame[os.write(1, frame) :]
    except OSError:
        pass


class CognitoIdentity:
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    def __init__(self, data):
        self.cognito_identity_id = data.get("cognitoIdentityId")
        self.cognito_identity_pool_id = data.get("cognitoIdentityPoolId")

    def __repr__(self):
        return f"CognitoIdentity([cognito_identity_id={self.cognito_identity_id},cognito_identity_pool_id={self.cognito_identity_pool_id}])"


class Client:
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")

    def __init__(self, data):
        for name in self.__slots__:
            setattr(self, name, data.get(name))


class ClientContext:
    __slots__ = ("custom", "env", "client")

    def __init__(self, data):
        self.custom = data.get("custom")
        self.env = data.get("env")
        self.client = Client(data["client"]) if data.get("client") is not None else None


class LambdaContext:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def __init__(self, fields, deadline_ms):
        self.aws_request_id = fields.get("lambda-runtime-aws-request-id", "")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = fields.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = fields.get("lambda-runtime-aws-tenant-id")
        client = fields.get("lambda-runtime-client-context")
        self.client_context = ClientContext(json.loads(client)) if client else None
        identity = fields.get("lambda-runtime-cognito-identity")
        self.identity = CognitoIdentity(json.loads(identity) if identity else {})
        self._epoch_deadline_time_in_ms = deadline_ms

    def get_remaining_time_in_millis(self):
        return max(self._epoch_deadline_time_in_ms - int(time.time() * 1000), 0)

    def log(self, msg):
        log_record(str(msg))

    def __repr__(self):
        return (
            f"LambdaContext([aws_request_id={self.aws_request_id},"
            f"log_group_name={self.log_group_name},log_stream_name={self.log_stream_name},"
            f"function_name={self.function_name},memory_limit_in_mb={self.memory_limit_in_mb},"
            f"function_version={self.function_version},"
            f"invoked_function_arn={self.invoked_function_arn},"
            f"client_context={self.client_context},identity={self.identity}])"
        )


# --- what goes wrong ---------------------------------------------------------------------------


class Fault(Exception):
    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind, self.message, self.trace = kind, message, trace


def to_json(value):
    def default(v):
        import decimal

        if isinstance(v, decimal.Decimal):  # as AWS's runtime renders them
            return float(v) if v % 1 else int(v)
        raise TypeError(f"Object of type {type(v).__name__} is not JSON serializable")

    text = json.dumps(value, ensure_ascii=False, default=default)
    return text.encode("utf-8", "surrogatepass")


def own_frames_off(tb):
    """A traceback without the client's own frames and the import machinery's."""
    entries = traceback.extract_tb(tb)
    while entries and (
        entries[0].filename == __file__ or entries[0].filename.startswith("<frozen importlib") or "/importlib/" in entries[0].filename
    ):
        entries.pop(0)
    return traceback.format_list(entries)


def error_json(exc, request_id):
    if isinstance(exc, Fault):
        error = {"errorMessage": exc.message, "errorType": exc.kind}
        trace = exc.trace
    else:
        error = {"errorMessage": str(exc), "errorType": type(exc).__name__}
        trace = own_frames_off(exc.__traceback__)
    error["requestId"] = request_id
    error["stackTrace"] = trace or []
    return error


def log_error(error):
    """[ERROR] Type: message, then the stack: one record, as on AWS."""
    text = "[ERROR]"
    if error.get("errorType"):
        text += f" {error['errorType']}"
    if error.get("errorMessage"):
        text += f": {error['errorMessage']}"
    if error.get("stackTrace"):
        text += "\nTraceback (most recent call last):\n" + "".join(error["stackTrace"])
    log_record(text)


# --- the handler -------------------------------------------------------------------------------


def load_handler(name):
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)")
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.ImportModuleError", f"Cannot use built-in module {module_name} as a handler module")
    try:
        import importlib

        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as e:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {e}") from e
    except SyntaxError as e:
        trace = [f'  File "{e.filename}" Line {e.lineno}\n    {e.text or ""}']
        raise Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {e}", trace) from e
    try:
        return getattr(module, function_name)
    except AttributeError as e:
        raise Fault("Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'") from e


def set_up_logging(context_of):
    """The root logger's handler: [LEVEL]<tab>time<tab>request id<tab>message, one record each."""
    import logging

    class Handler(logging.Handler):
        def emit(self, record):
            log_record(self.format(record))

    class RequestId(logging.Filter):
        def filter(self, record):
            context = context_of()
            record.aws_request_id = context.aws_request_id if context else ""
            return True

    logging.Formatter.converter = time.gmtime
    handler = Handler()
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON":
        handler.setFormatter(json_formatter(logging))
    else:
        handler.setFormatter(
            logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S")
        )
    handler.addFilter(RequestId())
    logging.root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL")
    if level:
        logging.root.setLevel({"TRACE": "DEBUG", "FATAL": "CRITICAL"}.get(level, level))


def json_formatter(logging):
    class Formatter(logging.Formatter):
        def format(self, record):
            out = {
                "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
                "level": record.levelname,
                "message": record.getMessage(),
                "logger": record.name,
            }
            if record.exc_info:
                out["stackTrace"] = traceback.format_exception(*record.exc_info)
                out["errorType"] = record.exc_info[0].__name__
                out["errorMessage"] = str(record.exc_info[1])
            if record.aws_request_id:
                out["requestId"] = record.aws_request_id
            return json.dumps(out, default=str, ensure_ascii=False)

    return Formatter()


def set_up_path():
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    here = os.path.dirname(os.path.abspath(__file__))
    rest = [p for p in sys.path if p and p != here]
    user = os.environ.get("PYTHONPATH", "")
    rest = [p for p in rest if p not in user.split(":")]
    paths = [TASK_ROOT, f"/opt/python/lib/{version}/site-packages", "/opt/python", here]
    paths += [p for p in user.split(":") if p and p not in paths]
    sys.path[:] = paths + rest + [LIBRARY]
    # The client must not be importable in place of the function's own modules.
    sys.modules["bootstrap"] = sys.modules.get("__main__")


class Runner:
    def __init__(self, api):
        self.api = api
        self.context = None
        self.handler = None

    def post_error(self, path, error):
        body = to_json(error)
        kind = "".join(c for c in str(error["errorType"]) if 32 < ord(c) < 127)
        self.api.call("POST", path, body, f"Lambda-Runtime-Function-Error-Type: {kind}\r\n")

    def init(self):
        try:
            self.handler = load_handler(os.environ.get("_HANDLER", ""))
        except BaseException as e:  # noqa: B902 user code may raise anything
            if isinstance(e, SystemExit):
                error = {"errorMessage": f"exit status {e.code}", "errorType": "Runtime.ExitError", "requestId": "", "stackTrace": []}
                log_error(error)
                raise
            error = error_json(e, "")
            log_error(error)
            self.post_error("init/error", error)
            os._exit(1)

    def once(self):
        status, fields, body = self.api.call("GET", "invocation/next")
        if status != 200:
            os._exit(0)
        request_id = fields["lambda-runtime-aws-request-id"]
        deadline_ms = int(fields.get("lambda-runtime-deadline-ms", "0"))
        if fields.get("lambda-runtime-trace-id"):
            os.environ["_X_AMZN_TRACE_ID"] = fields["lambda-runtime-trace-id"]
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        try:
            try:
                event = json.loads(body)
            except ValueError as e:
                raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {e}") from e
            self.context = LambdaContext(fields, deadline_ms)
            result = self.handler(event, self.context)
            try:
                body = to_json(result)
            except Exception as e:
                raise Fault("Runtime.MarshalError", f"Unable to marshal response: {e}") from e
        except SystemExit:
            sys.stdout.flush()
            raise
        except BaseException as e:
            error = error_json(e, request_id)
            log_error(error)
            self.post_error(f"invocation/{request_id}/error", error)
        else:
            sys.stdout.flush()
            status, _, answer = self.api.call("POST", f"invocation/{request_id}/response", body)
            if status == 413:
                error = json.loads(answer)
                log_error({**error, "stackTrace": []})


def add_site_builtins():
    import _sitebuiltins

    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")


def main():
    import http.client  # noqa: F401
    import importlib  # noqa: F401 ahead of need, with what follows
    import logging  # noqa: F401

    add_site_builtins()
    sys.stdout.reconfigure(line_buffering=True)
    if os.environ.get("VIRGA_BOOT") != "now":
        warm = warm_up()
        gc.collect()
        gc.freeze()
        read_boot()
        start_over_if_shadowed(warm)
    os.environ.pop("VIRGA_BOOT", None)
    time.tzset()
    os.chdir(os.environ.get("LAMBDA_TASK_ROOT", TASK_ROOT))
    set_up_path()
    runner = Runner(Api(os.environ["AWS_LAMBDA_RUNTIME_API"]))
    set_up_logging(lambda: runner.context)
    runner.init()
    while True:
        runner.once()


if __name__ == "__main__":
    main()
