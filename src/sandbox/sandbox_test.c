/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions in real sandboxes of this machine: skipped, with the reason, where it cannot make them.
 */
#include "sandbox/sandbox.h"

#include "base/test.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    struct vg_loop *loop;
    struct vg_sandboxes *sb;
    struct vg_arena *arena;
    char dir[64];
    void (*body)(void);
    bool is_usable;
    char logs[65536];
} t;

static void
on_logs(void *ctx, const struct vg_log_batch *batch)
{
    (void)ctx;
    for (size_t i = 0; i < batch->n; i++) {
        size_t n = strlen(t.logs);
        snprintf(t.logs + n, sizeof(t.logs) - n, "%.*s\n", VG_ARG(batch->events[i].text));
    }
}

static void
put(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/code/%s", t.dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(path, 0755);
}

static struct vg_function
function(const char *runtime, const char *handler)
{
    struct vg_function fn = { .account = VG_STR("000000000000"),
                              .region = VG_STR("us-east-1"),
                              .name = VG_STR("f"),
                              .version = VG_STR("$LATEST"),
                              .arn = VG_STR("arn:aws:lambda:us-east-1:000000000000:function:f"),
                              .role = VG_STR("arn:aws:iam::000000000000:role/r"),
                              .log_group = VG_STR("/aws/lambda/f"),
                              .memory_mb = 128,
                              .tmp_mb = 512,
                              .timeout_ms = 30000 };
    struct vg_err err = { 0 };
    fn.key = vg_str_fmt(t.arena, "%s %s", runtime, handler);
    fn.handler = vg_str_of(handler);
    fn.code_dir = vg_str_fmt(t.arena, "%s/code", t.dir);
    assert_ok(vg_runtime_find(t.sb, t.arena, vg_str_of(runtime), &fn.runtime, &err));
    return fn;
}

static struct vg_outcome
invoke(const struct vg_function *fn, const char *payload)
{
    static int n;
    struct vg_event ev = { .request_id = vg_str_fmt(t.arena, "req-%d", ++n),
                           .payload = vg_str_of(payload),
                           .invoked_arn = fn->arn,
                           .want_tail = true };
    struct vg_outcome out = { 0 };
    struct vg_err err = { 0 };
    if (vg_sandbox_invoke(t.sb, fn, &ev, t.arena, &out, &err) != VG_OK)
        fail_msg("%s", err.msg);
    return out;
}

static void
expect(struct vg_outcome out, bool is_error, const char *part)
{
    assert_int_equal(out.is_error, is_error);
    if (vg_str_find(out.payload, vg_str_of(part)) == VG_NPOS)
        fail_msg("%.*s\nlacks %s", VG_ARG(out.payload), part);
}

static void
python_answers_cold_and_warm(void)
{
    put("app.py", "import os, time\nn = 0\n"
                  "def handler(e, c):\n    global n\n    n += 1\n    print('hi', n)\n"
                  "    return [n, e, c.function_name, os.environ['AWS_REGION']]\n"
                  "def bad(e, c):\n    raise ValueError('oh')\n"
                  "def leave(e, c):\n    os._exit(3)\n"
                  "def eat(e, c):\n    return len(b'x' * (300 << 20))\n"
                  "def sleep(e, c):\n    time.sleep(e)\n    return 'slept'\n"
                  "def big(e, c):\n    return 'x' * e\n");
    struct vg_function fn = function("python3.12", "app.handler");
    struct vg_outcome out = invoke(&fn, "{\"a\":1}");
    expect(out, false, "[1, {\"a\": 1}, \"f\", \"us-east-1\"]");
    assert_true(out.was_cold && out.init_us > 0);
    out = invoke(&fn, "2");
    expect(out, false, "[2, 2, ");
    assert_false(out.was_cold);
    assert_true(vg_str_find(out.tail, VG_STR("hi 2\nEND RequestId: ")) != VG_NPOS);
    assert_true(vg_str_find(out.tail, VG_STR("START RequestId: ")) == 0);
    vg_fiber_sleep(900); /* frozen by now */
    expect(invoke(&fn, "3"), false, "[3, 3, ");
    assert_non_null(strstr(t.logs, "(nearest to python3.12, which is not installed)"));
}

/* Invoke's answer to each kind of failure: the API reference and what AWS shows. */
static void
failures_read_as_on_aws(void)
{
    struct vg_function fn = function("python3.11", "app.bad");
    expect(invoke(&fn, "{}"), true, "\"errorMessage\": \"oh\", \"errorType\": \"ValueError\"");
    fn = function("python3.11", "app.nothing");
    expect(invoke(&fn, "{}"), true, "Runtime.HandlerNotFound");
    fn = function("python3.11", "nomodule.handler");
    expect(invoke(&fn, "{}"), true,
           "Unable to import module 'nomodule': No module named 'nomodule'");
    fn = function("python3.11", "app.leave");
    expect(invoke(&fn, "{}"), true, "Runtime exited with error: exit status 3");
    expect(invoke(&fn, "{}"), true, "Runtime.ExitError");
    fn = function("python3.11", "app.eat");
    expect(invoke(&fn, "{}"), true, "Runtime.OutOfMemory");
    fn = function("python3.11", "app.big");
    expect(invoke(&fn, "7000000"), true, "Function.ResponseSizeTooLarge");
    expect(invoke(&fn, "10"), false, "xxxxxxxxxx");
}

static void
a_timeout_ends_only_its_environment(void)
{
    struct vg_function fn = function("python3.11", "app.sleep");
    fn.timeout_ms = 1000;
    expect(invoke(&fn, "0"), false, "slept");
    int64_t t0 = vg_mono_ms();
    expect(invoke(&fn, "5"), true, "Task timed out after 1.00 seconds");
    assert_true(vg_mono_ms() - t0 >= 990); /* it had its time */
    expect(invoke(&fn, "0"), false, "slept");
}

static void
node_and_native_answer(void)
{
    put("index.mjs",
        "export const handler = async (e, c) => ({ e, id: c.awsRequestId });\n"
        "export const late = (e, c, cb) => { setTimeout(() => cb(null, 'late'), 5); };\n"
        "export const bad = async () => { throw new TypeError('nope'); };\n");
    struct vg_function fn = function("nodejs20.x", "index.handler");
    expect(invoke(&fn, "{\"a\":1}"), false, "{\"e\":{\"a\":1},\"id\":\"req-");
    fn = function("nodejs20.x", "index.late");
    expect(invoke(&fn, "{}"), false, "\"late\"");
    fn = function("nodejs20.x", "index.bad");
    expect(invoke(&fn, "{}"), true, "\"errorType\":\"TypeError\",\"errorMessage\":\"nope\"");
    put("bootstrap", "#!/bin/sh\nexec /usr/bin/python3 -S /var/task/native.py\n");
    put("native.py", "import http.client, os\n"
                     "while True:\n"
                     "    c = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])\n"
                     "    c.request('GET', '/2018-06-01/runtime/invocation/next')\n"
                     "    r = c.getresponse(); body = r.read()\n"
                     "    i = r.headers['Lambda-Runtime-Aws-Request-Id']\n"
                     "    c.request('POST', f'/2018-06-01/runtime/invocation/{i}/response', body)\n"
                     "    c.getresponse().read()\n");
    fn = function("provided.al2023", "any");
    expect(invoke(&fn, "{\"native\":true}"), false, "{\"native\":true}");
    expect(invoke(&fn, "2"), false, "2");
}

static void
run(void *arg)
{
    (void)arg;
    struct vg_err err = { 0 };
    struct vg_runtime rt;
    struct vg_sandbox_status status;
    t.is_usable = vg_runtime_find(t.sb, t.arena, VG_STR("python3.11"), &rt, &err) == VG_OK;
    if (t.is_usable) {
        vg_sandboxes_expect(t.sb, &rt);
        vg_sandboxes_status(t.sb, &status);
        t.is_usable = status.is_usable;
        snprintf(err.msg, sizeof(err.msg), "%s", status.missing);
    }
    if (t.is_usable)
        t.body();
    else
        print_message("skipped: no sandboxes here: %s\n", err.msg);
    vg_sandboxes_stop(t.sb);
    vg_loop_stop(t.loop);
}

static void
in_sandboxes(void (*body)(void))
{
    t.arena = vg_arena_new(0);
    t.loop = vg_loop_new(0);
    t.body = body;
    t.logs[0] = 0;
    struct vg_sandboxes_options opt = { .run_dir = vg_str_fmt(t.arena, "%s/run", t.dir),
                                        .loops = &t.loop,
                                        .n_loops = 1 };
    vg_sandboxes_find_paths(t.arena, &opt);
    assert_non_null(opt.jail_path.ptr);
    assert_non_null(opt.client_dir.ptr);
    t.sb = vg_sandboxes_new(&opt);
    vg_sandboxes_on_logs(t.sb, on_logs, NULL);
    vg_fiber_start(t.loop, run, NULL);
    vg_loop_run(t.loop);
    vg_sandboxes_free(t.sb);
    vg_loop_free(t.loop);
    vg_arena_free(t.arena);
    if (!t.is_usable)
        skip();
}

#define TEST(name)                                                                                 \
    static void name##_test(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        in_sandboxes(name);                                                                        \
    }
TEST(python_answers_cold_and_warm)
TEST(failures_read_as_on_aws)
TEST(a_timeout_ends_only_its_environment)
TEST(node_and_native_answer)

static int
make_dir(void **state)
{
    (void)state;
    char path[96];
    snprintf(t.dir, sizeof(t.dir), "/tmp/virga-sandbox-test-XXXXXX");
    if (!mkdtemp(t.dir) || chmod(t.dir, 0755) != 0)
        return -1;
    snprintf(path, sizeof(path), "%s/code", t.dir);
    return mkdir(path, 0755);
}

static int
remove_dir(void **state)
{
    (void)state;
    struct vg_err err = { 0 };
    return vg_dir_remove(vg_str_of(t.dir), &err) == VG_OK ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(python_answers_cold_and_warm_test),
        cmocka_unit_test(failures_read_as_on_aws_test),
        cmocka_unit_test(a_timeout_ends_only_its_environment_test),
        cmocka_unit_test(node_and_native_answer_test),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
