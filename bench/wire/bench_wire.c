/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the wire costs a request: decoding, validating and encoding typical inputs, one thread.
 * Prints nanoseconds an operation and megabytes a second. `ninja -C build bench/wire/bench_wire`.
 */
#include "base/arena.h"
#include "services/dynamodb/model.h"
#include "services/iam/model.h"
#include "services/lambda/model.h"
#include "services/logs/model.h"
#include "wire/wire.h"

#include <stdio.h>
#include <time.h>

struct job {
    const char *name;
    struct vg_wire_op op;
    struct vg_wire_in in;
};

#define ROUNDS 200000

static const struct vg_http_binding create_http = {
    .method = VG_STR_INIT("POST"),
    .uri = VG_STR_INIT("/2015-03-31/functions"),
    .status = 201,
};

static const struct job jobs[] = {
    { "json   logs PutLogEvents",
      { .model = &logs_model, .in = &logs_shape_put_log_events_request },
      { .body =
            VG_STR_INIT("{\"logGroupName\":\"/aws/lambda/notes\",\"logStreamName\":\"2026/01/01/[$"
                        "LATEST]0123456789abcdef\",\"logEvents\":[{\"timestamp\":1767225600000,"
                        "\"message\":\"START RequestId: 00000000-0000-0000-0000-000000000000\"},"
                        "{\"timestamp\":1767225600001,\"message\":\"a line\\n\"}]}") } },
    { "json   dynamodb PutItem",
      { .model = &dynamodb_model, .in = &dynamodb_shape_put_item_input },
      { .body = VG_STR_INIT(
            "{\"TableName\":\"Notes\",\"Item\":{\"id\":{\"S\":\"note-000001\"},\"n\":{\"N\":"
            "\"12345\"},\"text\":{\"S\":\"some words of a note, not many\"},\"tags\":{"
            "\"SS\":[\"a\",\"b\"]}},\"ConditionExpression\":\"attribute_not_exists(id)"
            "\",\"ReturnConsumedCapacity\":\"TOTAL\"}") } },
    { "query  iam CreateRole",
      { .model = &iam_model, .in = &iam_shape_create_role_request },
      { .body =
            VG_STR_INIT("Action=CreateRole&Version=2010-05-08&RoleName=writer&AssumeRolePolicyDocu"
                        "ment=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D&Ta"
                        "gs.member.1.Key=team&Tags.member.1.Value=a&MaxSessionDuration=3600") } },
    { "rest   lambda CreateFunction",
      { .model = &lambda_model, .http = &create_http, .in = &lambda_shape_create_function_request },
      { .body = VG_STR_INIT(
            "{\"FunctionName\":\"notes\",\"Role\":\"arn:aws:iam::000000000000:role/w\",\""
            "Runtime\":\"python3.12\",\"Handler\":\"app.handler\",\"Code\":{\"ZipFile\":\""
            "UEsDBAoAAAAAAA==\"},\"Environment\":{\"Variables\":{\"TABLE\":\"Notes\"}},\"T"
            "imeout\":3,\"MemorySize\":128}") } },
};

/* Of this thread: the machine may be busy with other things. */
static int64_t
cpu_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static void
die(const struct vg_err *err)
{
    printf("%.*s\n", (int)vg_err_text(err).len, vg_err_text(err).ptr);
    VG_BUG("the input was refused");
}

static void
show(const char *name, const char *what, int64_t us, size_t bytes)
{
    double ns = (double)us * 1000.0 / ROUNDS;
    printf("%-30s %-9s %7.0f ns %7.0f MB/s\n", name, what, ns, (double)bytes * 1000.0 / ns);
}

static void
run(const struct job *job, struct vg_patterns *patterns)
{
    struct vg_err err = { 0 };
    vg_auto_arena struct vg_arena *keep = vg_arena_new(0);
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    void *value = vg_arena_alloc(keep, job->op.in->size);
    int64_t from_us = cpu_us();
    for (int i = 0; i < ROUNDS; i++) {
        vg_arena_clear(arena);
        if (vg_wire_decode(&job->op, &job->in, arena, value, &err) != VG_OK)
            die(&err);
    }
    show(job->name, "decode", cpu_us() - from_us, job->in.body.len);
    if (vg_wire_decode(&job->op, &job->in, keep, value, &err) != VG_OK)
        die(&err);
    from_us = cpu_us();
    for (int i = 0; i < ROUNDS; i++) {
        vg_arena_clear(arena);
        if (vg_wire_validate(patterns, job->op.model, job->op.in, value, arena, &err) != VG_OK)
            die(&err);
    }
    show(job->name, "validate", cpu_us() - from_us, job->in.body.len);
    struct vg_wire_op back = job->op; /* the input's shape as an output: much the same work */
    back.out = back.in;
    struct vg_wire_out out = { 0 };
    from_us = cpu_us();
    for (int i = 0; i < ROUNDS; i++) {
        vg_arena_clear(arena);
        vg_wire_encode(&back, value, VG_STR("id"), arena, &out);
    }
    show(job->name, "encode", cpu_us() - from_us, out.body.len);
}

int
main(void)
{
    struct vg_patterns *patterns = vg_patterns_new();
    for (size_t i = 0; i < VG_COUNT(jobs); i++)
        run(&jobs[i], patterns);
    vg_patterns_free(patterns);
    return 0;
}
