/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRGA_CLI_H
#define VIRGA_CLI_H

/*
 * The command line as a client: it finds the daemon, signs, sends one request, shows the answer.
 *
 * Single-threaded and blocking; every string lives in cli.arena or in argv.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct vg_shape; /* wire/shape.h */

struct cli {
    struct vg_arena *arena;
    struct vg_str endpoint; /* "http://127.0.0.1:4566": --endpoint, AWS_ENDPOINT_URL, default    */
    struct vg_str host;     /* "127.0.0.1"                                                      */
    struct vg_str port;     /* "4566"                                                           */
    struct vg_str region;   /* --region, AWS_REGION, AWS_DEFAULT_REGION, "us-east-1"             */
    struct vg_str key_id;   /* AWS_ACCESS_KEY_ID, or "test"                                      */
    struct vg_str secret, token; /* token: absent without one                                    */
    bool is_json;                /* --json: the answer as it came                                */
    bool is_help;
};

/*
 * Takes the options every client verb has (--endpoint, --region, --json, --help) out of argv and
 * leaves the others in their order in `argv`, their number in `*argc`.
 */
vg_rc cli_open(struct cli *cli, int *argc, char **argv, struct vg_err *err) VG_MUST_USE;
void cli_close(struct cli *cli);

struct cli_reply {
    int status;
    struct vg_str body;
};

/* One request; `is_signed` for service "virga". Fails only where no whole answer came. */
vg_rc cli_request(struct cli *cli, const char *method, struct vg_str path, struct vg_str body,
                  bool is_signed, struct cli_reply *ret, struct vg_err *err) VG_MUST_USE;

/* Shows a JSON answer: indented lines for people, as it came with --json. Exit status of a verb. */
int cli_show(const struct cli *cli, const struct cli_reply *reply);
/* "virga: text" on stderr; returns 1. */
int cli_die(const struct vg_err *err);

/* "1d2h30m", "90s", "1500ms" to milliseconds; false unless the whole text is one or more of them.
 */
bool cli_duration(struct vg_str text, int64_t *ret_ms);
/* "2026-11-23T10:00:00Z" (or with .123, or an offset), or "@1700000000" seconds; milliseconds. */
bool cli_time(struct vg_str text, int64_t *ret_ms);
/* The value of one member of an object at the top level of `json`, scalars as text. */
bool cli_json_member(const struct cli *cli, struct vg_str json, struct vg_str name,
                     struct vg_str *ret);

#define CLI_FILE_MAX_BYTES (50u << 20)
/* A whole file; "-" is standard input. */
vg_rc cli_file(struct cli *cli, struct vg_str name, struct vg_str *ret, struct vg_err *err)
    VG_MUST_USE;
/* Whether `text` is one JSON object or array. */
bool cli_is_json_of_parts(struct cli *cli, struct vg_str text);
const char *cli_type_name(const struct vg_shape *shape);
/*
 * NAME=VALUE words as one JSON object: types from `shape` (NULL: all are text), parts by A.B.C.
 * Fails with a text for the user.
 */
vg_rc cli_input(struct cli *cli, const struct vg_shape *shape, int argc, char **argv,
                struct vg_str *ret, struct vg_err *err) VG_MUST_USE;

/* The verbs: argv after the verb; the exit status. */
int verb_status(int argc, char **argv);
int verb_env(int argc, char **argv);
int verb_clock(int argc, char **argv);
int verb_call(int argc, char **argv);
int verb_completion(int argc, char **argv);

#endif
